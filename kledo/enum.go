package kledo

// TransactionType is what a record in the books is: trans_type_id. There are more than these.
type TransactionType int

// The transaction types that are known.
const (
	TypeExpense          TransactionType = 1
	TypePurchaseOrder    TransactionType = 2
	TypePurchaseInvoice  TransactionType = 3
	TypeQuote            TransactionType = 4
	TypeInvoice          TransactionType = 5
	TypeSalesOrder       TransactionType = 6
	TypeDelivery         TransactionType = 7
	TypePurchaseDelivery TransactionType = 8
	TypeBankReceive      TransactionType = 12
	TypeExpensePayment   TransactionType = 15
	TypePurchasePayment  TransactionType = 16
	TypeInvoicePayment   TransactionType = 17
	TypePurchaseQuote    TransactionType = 63
)

// Status is where a record in the books stands: status_id. There are more than these.
type Status int

// The statuses that are known.
const (
	StatusUnpaid          Status = 1   // invoices
	StatusPartlyPaid      Status = 2   // invoices
	StatusPaid            Status = 3   // invoices
	StatusOpen            Status = 5   // orders
	StatusPartlyShipped   Status = 6   // orders
	StatusClosed          Status = 7   // orders: closed or billed; deliveries
	StatusPayment         Status = 31  // payments
	StatusWaitingApproval Status = 111 // orders
	StatusRejected        Status = 112 // orders
)

// ContactType is what a contact is to the company: type_id. Only that of a customer is certain.
type ContactType int

// Customer is the type that an invoice's contact must have.
const Customer ContactType = 3
