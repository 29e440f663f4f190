package eurofaktura

import (
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// Method is the name of a remote procedure: "SalesOrderCreate".
type Method string

// DocumentKind is a kind of document. It begins the names of its methods, and is the name under which a document is sent.
type DocumentKind string

// The kinds of documents.
const (
	KindSalesOrder      DocumentKind = "SalesOrder"
	KindSalesInvoice    DocumentKind = "SalesInvoice"
	KindSalesQuote      DocumentKind = "SalesQuote"
	KindAdvanceInvoice  DocumentKind = "AdvanceInvoice"
	KindDeliveryNote    DocumentKind = "DeliveryNote"
	KindPurchaseOrder   DocumentKind = "PurchaseOrder"
	KindReceivedInvoice DocumentKind = "ReceivedInvoice"
	KindWorkOrder       DocumentKind = "WorkOrder"
)

// methods are the documented ones, by what their names begin with. Every document but the last two kinds can be attached to.
var methods = map[string]string{
	"SalesOrder": "Get GetPDF Create Import Update Delete Cancel List SendByEmail PaymentRecordAdd CreateInvoice " + attachments,
	"SalesInvoice": "Get GetPDF GetUPNPDF GetPublicURL Create Import Update Delete Cancel List SendByEmail PaymentRecordAdd " +
		"InstallmentsCreate " + attachments,
	"POSSalesInvoice": "Get List",
	"SalesQuote":      "Get GetPDF Create Update Delete List Copy SendByEmail PaymentRecordAdd CreateInvoice " + attachments,
	"AdvanceInvoice":  "Get GetPDF Create Import Update Delete Cancel List SendByEmail " + attachments,
	"DeliveryNote":    "Get GetPDF Create Update Delete Cancel List SendByEmail " + attachments,
	"PurchaseOrder":   "Get GetPDF Create Update Delete Cancel List SendByEmail " + attachments,
	"ReceivedInvoice": "Get Create Update Delete List PaymentRecordAdd " + attachments,
	"WorkOrder":       "Get GetPDF Create Update Delete List " + attachments,
	"Product": "GetByCode Create Update Import MassImport Delete List PriceCalculationUpdate MassPriceCalculationUpdate " +
		"PriceListGet PriceDiscountActionList PriceDiscountActionAdd ImageAdd ImageSetDefault ImageGet ImageList",
	"Warehouse": "GetArticleStockQuantity",
	"Partner": "GetByID GetByCode GetByDocumentID Create Update Import Delete List ListBuyers ListSuppliers ListEmployees " +
		"BuyerCreditLimitGet AvatarAdd AvatarGet AvatarRemove ImageAdd ImageGet ImageRemove " + attachments,
	// Exchange of e-invoices, Croatia.
	"Send":     "DocumentToAS4Endpoint DocumentToFina",
	"Get":      "DocumentSendingStatus FinaReceiverList",
	"Document": "InboxList InboxEntryGet",
}

const attachments = "AttachmentAdd AttachmentSetDefault AttachmentGet AttachmentList"

// method joins a beginning and a verb, ok false when the catalogue has no such method.
func method(begin, verb string) (m Method, ok bool) {
	for _, v := range strings.Fields(methods[begin]) {
		if v == verb {
			return Method(begin + verb), true
		}
	}
	return "", false
}

// Known reports whether m is a method of the vendor's published catalogue.
func (m Method) Known() bool {
	for begin := range methods {
		if verb, ok := strings.CutPrefix(string(m), begin); ok {
			if _, ok := method(begin, verb); ok {
				return true
			}
		}
	}
	return false
}

// effect is what it would mean to send a call of m twice. What is not known to be harmless counts as an effect.
func (m Method) effect() rest.Kind {
	if !m.Known() {
		return rest.Effect
	}
	name := string(m)
	ends := func(suffixes ...string) bool {
		for _, s := range suffixes {
			if strings.HasSuffix(name, s) {
				return true
			}
		}
		return false
	}
	switch {
	case ends("Add", "Copy", "SendByEmail", "Cancel"), strings.HasPrefix(name, "Send"), ends("Create", "CreateInvoice"):
		return rest.Effect
	case ends("Import"):
		if strings.HasPrefix(name, "Product") || strings.HasPrefix(name, "Partner") { // "create or update", by their code
			return rest.Write
		}
		return rest.Effect
	case ends("Update", "Delete", "SetDefault", "Remove"):
		return rest.Write
	}
	return rest.Read // every Get and List
}
