package sitoo_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
)

// TestEveryRoute: each documented endpoint is reached through its typed method.
func TestEveryRoute(t *testing.T) {
	t.Parallel()
	var sent []string
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Method+" "+strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/v2/accounts/91234/"), ".json"))
		switch r.Method {
		case http.MethodGet:
			say(200, `{"totalcount":0,"items":[]}`)(w, r)
		case http.MethodPost:
			var list []json.RawMessage
			if json.NewDecoder(r.Body).Decode(&list) == nil {
				say(200, `[{"statuscode":200,"return":1}]`)(w, r)
				return
			}
			say(200, `1`)(w, r)
		default:
			say(200, `true`)(w, r)
		}
	})
	ctx := t.Context()
	// Only the path counts here; answers are of no kind, so errors that come of that are passed over.
	routes := map[string]func(){}
	add := func(route string, f func()) { routes[route] = f }
	crud := func(path, id string, list, get, create, update, remove func()) {
		for prefix, f := range map[string]func(){"GET " + path: list, "POST " + path: create, "GET " + path + "/" + id: get, "PUT " + path + "/" + id: update, "DELETE " + path + "/" + id: remove} {
			if f != nil {
				add(prefix, f)
			}
		}
	}
	const s = "sites/1/"
	crud("sites", "1", func() { _, _, _ = client.Sites.List(ctx, sitoo.ListQuery{}) }, func() { _, _ = client.Sites.Get(ctx, 1) }, nil, nil, nil)
	collection(ctx, crud, s+"categories", "7", client.Categories, 7)
	collection(ctx, crud, s+"productgroups", "7", client.VATGroups, 7)
	collection(ctx, crud, s+"pricelists", "7", client.PriceLists, 7)
	collection(ctx, crud, s+"customattributes", "size", client.CustomAttributes, "size")
	collection(ctx, crud, s+"warehouses", "7", client.Warehouses, 7)
	collection(ctx, crud, s+"stores", "7", client.Stores, 7)
	collection(ctx, crud, s+"salestaxes", "7", client.SalesTaxes, 7)
	collection(ctx, crud, s+"salestaxgroups", "7", client.SalesTaxGroups, 7)
	reasons := client.ReasonCodes
	crud("reasoncodes", "7", func() { _, _, _ = reasons.List(ctx, sitoo.ReasonCodeQuery{}) }, func() { _, _ = reasons.Get(ctx, 7) },
		func() { _, _ = reasons.Create(ctx, sitoo.ReasonCodeFields{}) }, func() { _ = reasons.Update(ctx, 7, sitoo.ReasonCodeFields{}) },
		func() { _ = reasons.Delete(ctx, 7) })
	vouchers := client.Vouchers
	crud(s+"vouchers", "7", func() { _, _, _ = vouchers.List(ctx, sitoo.VoucherQuery{}) }, func() { _, _ = vouchers.Get(ctx, 7) },
		func() { _, _ = vouchers.Create(ctx, sitoo.VoucherFields{}) }, func() { _ = vouchers.Update(ctx, 7, sitoo.VoucherFields{}) },
		func() { _ = vouchers.Delete(ctx, 7) })
	crud(s+"products", "7", func() { drain(client.Products.All(ctx, sitoo.ProductQuery{})) }, func() { _, _ = client.Products.Get(ctx, 7) },
		func() { _, _ = client.Products.Create(ctx, sitoo.ProductFields{SKU: sitoo.Set("A")}) },
		func() { _ = client.Products.Update(ctx, 7, sitoo.ProductFields{}) }, func() { _ = client.Products.Delete(ctx, 7) })
	add("PUT "+s+"products", func() {
		_, _ = client.Products.PlanUpdate([]sitoo.Change[sitoo.ProductID, sitoo.ProductFields]{{ID: 7}}).Run(ctx)
	})
	add("DELETE "+s+"products", func() { _, _ = client.Products.PlanDelete([]sitoo.ProductID{7}).Run(ctx) })
	crud(s+"manufacturers", "7", func() { _, _, _ = client.Manufacturers.List(ctx, sitoo.ListQuery{}) }, func() { _, _ = client.Manufacturers.Get(ctx, 7) },
		func() { _, _ = client.Manufacturers.Create(ctx, sitoo.ManufacturerFields{Name: sitoo.Set("x")}) },
		func() { _ = client.Manufacturers.Update(ctx, 7, sitoo.ManufacturerFields{}) }, func() { _ = client.Manufacturers.Delete(ctx, 7) })
	add("PUT "+s+"manufacturers", func() {
		_, _ = client.Manufacturers.PlanUpdate([]sitoo.Change[sitoo.ManufacturerID, sitoo.ManufacturerFields]{{ID: 7}}).Run(ctx)
	})
	add("DELETE "+s+"manufacturers", func() { _, _ = client.Manufacturers.PlanDelete([]sitoo.ManufacturerID{7}).Run(ctx) })
	crud(s+"influencercodes", "ANNA", func() { _, _, _ = client.InfluencerCodes.List(ctx, sitoo.ListQuery{}) },
		func() { _, _ = client.InfluencerCodes.Get(ctx, "ANNA") },
		func() {
			_, _ = client.InfluencerCodes.Create(ctx, sitoo.InfluencerCodeFields{Code: sitoo.Set(sitoo.InfluencerCodeID("ANNA"))})
		}, nil, nil)
	add("PUT "+s+"influencercodes", func() {
		_, _ = client.InfluencerCodes.PlanUpdate([]sitoo.Change[sitoo.InfluencerCodeID, sitoo.InfluencerCodeFields]{{ID: "ANNA"}}).Run(ctx)
	})
	add("DELETE "+s+"influencercodes", func() { _, _ = client.InfluencerCodes.PlanDelete([]sitoo.InfluencerCodeID{"ANNA"}).Run(ctx) })
	const user = sitoo.UserID("{AB}")
	crud(s+"users", "%7BAB%7D", func() { _, _, _ = client.Users.List(ctx, sitoo.UserQuery{Email: "a@b.c"}) }, func() { _, _ = client.Users.Get(ctx, user) },
		func() { _, _ = client.Users.Create(ctx, sitoo.UserFields{Email: sitoo.Set("a@b.c")}) },
		func() { _ = client.Users.Update(ctx, user, sitoo.UserFields{}) }, func() { _ = client.Users.Delete(ctx, user) })
	add("PUT "+s+"users", func() {
		_, _ = client.Users.PlanUpdate([]sitoo.Change[sitoo.UserID, sitoo.UserFields]{{ID: user}}).Run(ctx)
	})
	crud(s+"cashregisters", "%7BAB%7D", func() { _, _, _ = client.CashRegisters.List(ctx, sitoo.ListQuery{}) }, func() { _, _ = client.CashRegisters.Get(ctx, "{AB}") }, nil, nil, nil)
	crud(s+"cashregisters/%7BAB%7D/zreports", "9", func() { _, _, _ = client.ZReports("{AB}").List(ctx, sitoo.ZReportQuery{}) },
		func() { _, _ = client.ZReports("{AB}").Get(ctx, 9) }, nil, nil, nil)
	add("GET "+s+"resources", func() { _, _, _ = client.Resources.List(ctx, sitoo.ListQuery{}) })
	for name, g := range map[string]*sitoo.Gallery{"images": client.Images(7), "files": client.Files(7)} {
		crud(s+"products/7/"+name, "2", func() { _, _, _ = g.List(ctx, sitoo.ListQuery{}) }, func() { _, _ = g.Get(ctx, 2) },
			func() { _ = g.Add(ctx, sitoo.Upload{ResourceID: "a.jpg"}) }, nil, func() { _ = g.Remove(ctx, 2) })
	}
	add("GET "+s+"products/7/productvariants", func() { _, _ = client.Family(ctx, 7) })
	add("PUT "+s+"products/7/productvariants", func() {
		_ = client.ReplaceFamily(ctx, 7, sitoo.Family{Variants: []sitoo.Variant{{ProductID: 7, SKU: "A"}}})
	})
	add("GET "+s+"pricelists/1/pricelistitems", func() { _, _, _ = client.Prices(1).List(ctx, sitoo.ListQuery{}) })
	add("PUT "+s+"pricelists/1/pricelistitems", func() { _, _ = client.Prices(1).PlanSet([]sitoo.PriceFields{{SKU: "A"}}).Run(ctx) })
	add("DELETE "+s+"pricelists/1/pricelistitems", func() { _, _ = client.Prices(1).PlanRemove([]string{"A"}).Run(ctx) })
	const w = s + "warehouses/2/"
	add("GET "+w+"warehouseitems", func() { _, _, _ = client.Stock(2).List(ctx, sitoo.StockQuery{}) })
	add("PUT "+w+"warehouseitems", func() { _, _ = client.Stock(2).PlanSet([]sitoo.StockFields{{SKU: "A"}}).Run(ctx) })
	batches := client.StockBatches(2)
	crud(w+"warehousebatches", "5", func() { _, _, _ = batches.List(ctx, sitoo.StockBatchQuery{}) }, func() { _, _ = batches.Get(ctx, 5) },
		func() { _, _ = batches.Create(ctx, sitoo.StockBatchFields{}) }, func() { _ = batches.Update(ctx, 5, sitoo.StockBatchFields{}) }, nil)
	lines := client.BatchLines(2, 5)
	add("GET "+w+"warehousebatches/5/warehousebatchitems", func() { _, _, _ = lines.List(ctx, sitoo.ListQuery{}) })
	add("PUT "+w+"warehousebatches/5/warehousebatchitems", func() { _, _ = lines.PlanSet([]sitoo.BatchLineFields{{SKU: "A"}}).Run(ctx) })
	add("DELETE "+w+"warehousebatches/5/warehousebatchitems", func() { _, _ = lines.PlanRemove([]string{"A"}).Run(ctx) })
	add("GET "+w+"warehousetransactions", func() { _, _, _ = client.WarehouseTransactions(2).List(ctx, sitoo.TransactionQuery{}) })
	add("GET "+w+"warehousetransactions/8", func() { _, _ = client.Transaction(ctx, 2, 8) })
	add("GET "+s+"warehousetransactions", func() { _, _, _ = client.Transactions.List(ctx, sitoo.TransactionQuery{Newest: true}) })
	add("POST "+s+"warehousetransactions", func() {
		_, _ = client.PlanTransactions([]sitoo.TransactionFields{{WarehouseID: 2, Type: sitoo.MoveIn, Lines: []sitoo.TransactionLineFields{{SKU: "A", Quantity: quantity(1)}}}}).Run(ctx)
	})
	add("GET orders", func() { _, _, _ = client.AccountOrders.List(ctx, sitoo.OrderQuery{Sites: []sitoo.SiteID{1}}) })
	crud(s+"orders", "7", func() { _, _, _ = client.Orders.List(ctx, sitoo.OrderQuery{}) }, func() { _, _ = client.Orders.Get(ctx, 7) },
		func() { _, _ = client.Orders.Create(ctx, sitoo.OrderFields{}) }, func() { _ = client.Orders.Update(ctx, 7, sitoo.OrderFields{}) }, nil)
	add("GET "+s+"orders/7/orderdeliveries", func() { _, _, _ = client.Deliveries(7).List(ctx, sitoo.ListQuery{}) })
	add("POST "+s+"orders/7/orderdeliveries", func() {
		_, _ = client.Deliver(ctx, 7, sitoo.DeliveryFields{WarehouseID: 2, Items: []sitoo.DeliveryItem{{}}})
	})
	add("GET "+s+"orders/7/orderlogitems", func() { _, _, _ = client.OrderLogs(7).List(ctx, sitoo.ListQuery{}) })
	add("POST "+s+"orders/7/orderlogitems", func() { _ = client.LogOrder(ctx, 7, sitoo.LogReadyForPickup, "") })
	crud("shipments", "7", func() { _, _, _ = client.Shipments.List(ctx, sitoo.ShipmentQuery{Archived: true}) }, func() { _, _ = client.Shipments.Get(ctx, 7) },
		func() { _, _ = client.Shipments.Create(ctx, sitoo.ShipmentFields{}) }, func() { _ = client.Shipments.Update(ctx, 7, sitoo.ShipmentFields{}) }, nil)
	add("POST "+s+"giftcards", func() { _, _ = client.CreateGiftCard(ctx, sitoo.GiftCardFields{Email: "a@b.c"}) })
	add("GET "+s+"giftcards/77", func() { _, _ = client.GiftCard(ctx, "77", "1234") })
	add("POST "+s+"giftcards/77/transactions", func() { _, _ = client.MoveGiftCard(ctx, "77", sitoo.Record{}) })
	add("DELETE "+s+"giftcards/77/transactions", func() { _ = client.UndoGiftCard(ctx, "77", []int64{1}) })
	add("GET "+s+"influencervouchers/ANNA", func() { _, _ = client.InfluencerVoucher(ctx, "ANNA") })
	add("POST "+s+"influencervouchers/ANNA/transactions", func() { _, _ = client.UseInfluencerVoucher(ctx, "ANNA", sitoo.Record{}) })
	add("DELETE "+s+"influencervouchers/ANNA/transactions/5", func() { _ = client.UndoInfluencerVoucher(ctx, "ANNA", "5") })
	add("GET serviceorders", func() {
		for range client.ServiceOrders(ctx) { //nolint:revive // the request counts
		}
	})
	add("POST serviceorders", func() { _, _ = client.CreateServiceOrder(ctx, sitoo.Record{}) })
	add("GET serviceorders/7", func() { _, _ = client.ServiceOrder(ctx, "7") })
	add("PUT serviceorders/7", func() { _ = client.UpdateServiceOrder(ctx, "7", sitoo.Record{}) })
	add("GET custom_metrics", func() { _, _ = client.CustomMetrics(ctx) })
	add("POST custom_metrics", func() { _ = client.CreateCustomMetric(ctx, sitoo.Record{}) })
	add("DELETE custom_metrics/k", func() { _ = client.DeleteCustomMetric(ctx, "k") })
	add("GET custom_metric_values", func() { _, _ = client.CustomMetricValues(ctx) })
	add("PUT custom_metric_values", func() { _ = client.SetCustomMetricValues(ctx, json.RawMessage(`[]`)) })
	add("DELETE custom_metric_values/k", func() { _ = client.DeleteCustomMetricValue(ctx, "k") })

	for route, call := range routes {
		sent = nil
		call()
		require.Equal(t, []string{route}, sent)
	}
	t.Logf("%d routes", len(routes))
}

// collection has the verbs of a Collection without filters.
func collection[T any, ID sitoo.Identifier, W any](
	ctx context.Context, crud func(path, id string, list, get, create, update, remove func()), path, wire string,
	c *sitoo.Collection[T, ID, sitoo.ListQuery, W], id ID,
) {
	var w W
	crud(path, wire, func() { _, _, _ = c.List(ctx, sitoo.ListQuery{}) }, func() { _, _ = c.Get(ctx, id) }, func() { _, _ = c.Create(ctx, w) },
		func() { _ = c.Update(ctx, id, w) }, func() { _ = c.Delete(ctx, id) })
}

func drain[T any](seq iter.Seq2[*T, error]) {
	for _, err := range seq {
		_ = err
	}
}
