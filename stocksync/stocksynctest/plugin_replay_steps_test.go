package stocksynctest

import (
	"time"

	"github.com/stretchr/testify/require"
)

// put changes a product of a store over REST.
func put(letter, sku string, f Fields) func(*world) {
	return func(w *world) { require.NoError(w.t, w.stores[letter].Update(w.ctx, sku, f)) }
}

func quantity(letter, sku string, n int64) func(*world) {
	return put(letter, sku, Fields{Quantity: &n})
}

func renamed(letter, from, to string) func(*world) { return put(letter, from, Fields{SKU: &to}) }

func written(letter, sku string, n int64) func(*world) {
	return func(w *world) { require.NoError(w.t, w.stores[letter].Write(w.ctx, sku, n)) }
}

func bought(letter, status string, lines ...Line) func(*world) {
	return func(w *world) {
		id, err := w.stores[letter].Order(w.ctx, status, lines...)
		require.NoError(w.t, err)
		w.orders[letter] = id
	}
}

func moved(letter, status string) func(*world) {
	return func(w *world) { require.NoError(w.t, w.stores[letter].SetOrder(w.ctx, w.orders[letter], status)) }
}

func excluded(letter string, skus ...string) func(*world) {
	return func(w *world) { w.stores[letter].Exclude(skus...) }
}

func pinged(letter string) func(*world) { return func(w *world) { w.stores[letter].PingAll(w.ctx) } }

func created(letter string, p Product) func(*world) {
	return func(w *world) { w.stores[letter].Create(w.ctx, p) }
}

func synced(skus ...string) func(*world) {
	return func(w *world) { w.stores["D"].SyncSKUs(w.ctx, skus...) }
}

func both(list ...func(*world)) func(*world) {
	return func(w *world) {
		for _, f := range list {
			f(w)
		}
	}
}

func nothing(*world) {}

func ref[T any](v T) *T { return &v }

// actions say what was done in each step of a recording that begins with "v1/02" and so on. Steps that only look, or in which only the
// script spoke, need none.
var actions = map[string]map[string]func(*world){
	"v1/01": {
		"connection test on E": pinged("E"), "connection test on F": pinged("F"),
		"connection test on D": func(w *world) { require.NoError(w.t, w.stores["D"].Ping(w.ctx, idE)) },
	},
	"v1/02": {"POST orders on E": bought("E", "processing", Line{"SKU-0001", 1}, Line{"VAR-1-RED-M", 2})},
	"v1/04": {
		"PUT stock_quantity 40":                    quantity("E", "SKU-0005", 40),
		"PUT backorders notify":                    put("E", "SKU-0005", Fields{Backorders: ref("notify")}),
		"PUT low_stock_amount 3":                   put("E", "SKU-0005", Fields{LowStock: ref(int64(3))}),
		"PUT stock_quantity 0 (backorders notify)": quantity("E", "SKU-0005", 0),
		"PUT stock_quantity -3":                    quantity("E", "SKU-0005", -3),
		"PUT stock_status outofstock":              put("E", "SKU-0005", Fields{Status: ref("outofstock")}),
		"PUT manage_stock false":                   put("E", "SKU-0005", Fields{Manage: ref(false)}),
		"PUT manage_stock true, quantity 9, backorders no": put("E", "SKU-0005",
			Fields{Manage: ref(true), Quantity: ref(int64(9)), Backorders: ref("no")}),
	},
	"v1/05": {"PUT 50": quantity("E", "SKU-0007", 50), "PUT 51": quantity("E", "SKU-0007", 51)},
	"v1/07": {
		"PUT stock_quantity 60 on D":          quantity("D", "SKU-0010", 60),
		"PUT the same quantity again":         quantity("D", "SKU-0010", 60),
		"order on D, processing":              bought("D", "processing", Line{"SKU-0010", 2}, Line{"SKU-0011", 1}),
		"admin form on D, quantity 70":        quantity("D", "SKU-0010", 70),
		"PUT name only (no stock field) on D": put("D", "SKU-0010", Fields{}),
		"products/batch on D: two quantities": both(quantity("D", "SKU-0014", 14), quantity("D", "SKU-0016", 16)),
	},
	"v1/09": {
		"PUT sku on D":                       renamed("D", "SKU-0019", "SKU-0019-N"),
		"variation VAR-2-RED-S renamed on D": renamed("D", "VAR-2-RED-S", "VAR-2-ROT-S"),
		"SKU-0020 renamed on child E to SKU-0020-E (not on master)": renamed("E", "SKU-0020", "SKU-0020-E"),
		"stock set on E under the new SKU":                          quantity("E", "SKU-0020-E", 5),
		"a product with SKU TAKEN-1 made on E only":                 created("E", Managed("TAKEN-1", 3)),
		"SKU-0022 renamed on D to TAKEN-1":                          renamed("D", "SKU-0022", "TAKEN-1"),
		"stock of TAKEN-1 set on D to 33":                           quantity("D", "TAKEN-1", 33),
		"rename and quantity in one PUT on D: SKU-0023 to SKU-0023-N, 99": put("D", "SKU-0023",
			Fields{SKU: ref("SKU-0023-N"), Quantity: ref(int64(99))}),
	},
	"v1/10": {
		"excluded on E": excluded("E", "SKU-0028"),
		"PUT 11 on E":   quantity("E", "SKU-0028", 11), "PUT 12 on D": quantity("D", "SKU-0028", 12),
		"excluded on D instead": both(excluded("E"), excluded("D", "SKU-0028")),
		"PUT 13 on D":           quantity("D", "SKU-0028", 13), "PUT 14 on E": quantity("E", "SKU-0028", 14),
		"exclusion in other case (sku-0028) on D": excluded("D", "sku-0028"),
		"PUT 15 on D": quantity("D", "SKU-0028", 15),
	},
	"v1/11": {
		"order on E for 2 of VAR-3-RED-M (inherits from parent)":  bought("E", "processing", Line{"VAR-3-RED-M", 2}),
		"order on D for 1 of VAR-3-BLUE-S (inherits from parent)": bought("D", "processing", Line{"VAR-3-BLUE-S", 1}),
		"parent quantity set to 25 on D":                          quantity("D", "VAR-3", 25),
		"own-stock variation set to 8 on E":                       quantity("E", "VAR-3-RED-S", 8),
	},
	"v1/12": {
		"stock_status outofstock on E for SKU-0003": put("E", "SKU-0003", Fields{Status: ref("outofstock")}),
		"stock_status instock on D for SKU-0012":    put("D", "SKU-0012", Fields{Status: ref("instock")}),
		"order on E, processing, with unmanaged SKU-0015 and DL-1 (no stock moves)": bought("E", "processing",
			Line{"SKU-0015", 1}, Line{"DL-1", 1}),
		"manual sync on D: EXT-1, GRP-1, SKU-0006": synced("EXT-1", "GRP-1", "SKU-0006"),
	},
	"v2/01": {"health ping on E": pinged("E"), "health ping on F": pinged("F"), "health ping on D": pinged("D")},
	"v2/02": {"POST orders on E": bought("E", "processing", Line{"SKU-0001", 1}, Line{"VAR-1-RED-M", 2})},
	"v2/03": {
		"pending": bought("E", "pending", Line{"SKU-0004", 2}), "to processing": moved("E", "processing"),
		"to completed": moved("E", "completed"), "to cancelled": moved("E", "cancelled"),
	},
	"v2/04": {
		"PUT quantity 40":        quantity("E", "SKU-0005", 40),
		"PUT backorders notify":  put("E", "SKU-0005", Fields{Backorders: ref("notify")}),
		"PUT low_stock_amount 3": put("E", "SKU-0005", Fields{LowStock: ref(int64(3))}),
		"PUT quantity 0":         quantity("E", "SKU-0005", 0),
		"PUT quantity -3":        quantity("E", "SKU-0005", -3),
		"PUT manage_stock false": put("E", "SKU-0005", Fields{Manage: ref(false)}),
		"PUT manage_stock true 9 backorders no": put("E", "SKU-0005",
			Fields{Manage: ref(true), Quantity: ref(int64(9)), Backorders: ref("no")}),
	},
	"v2/05": {
		"PUT 50": quantity("E", "SKU-0007", 50), "PUT 51": quantity("E", "SKU-0007", 51),
		"wc_update_product_stock 60 and 61 in two processes within 2 s": both(written("E", "SKU-0007", 60), written("E", "SKU-0007", 61)),
	},
	"v2/07": {
		"PUT 60 on D": quantity("D", "SKU-0010", 60), "PUT 60 again": quantity("D", "SKU-0010", 60),
		"order on D": bought("D", "processing", Line{"SKU-0010", 2}, Line{"SKU-0011", 1}),
		"products/batch on D": func(w *world) {
			require.NoError(w.t, w.stores["D"].UpdateAll(w.ctx, map[string]Fields{
				"SKU-0014": {Quantity: ref(int64(14))}, "SKU-0016": {Quantity: ref(int64(16))},
			}))
		},
	},
	"v2/09": {
		"PUT sku on D":                     renamed("D", "SKU-0019", "SKU-0019-N"),
		"TAKEN-1 made on E only":           created("E", Managed("TAKEN-1", 3)),
		"SKU-0022 renamed on D to TAKEN-1": renamed("D", "SKU-0022", "TAKEN-1"),
		"TAKEN-1 set to 33 on D":           quantity("D", "TAKEN-1", 33),
		"SKU-0023 to SKU-0023-N with 99":   put("D", "SKU-0023", Fields{SKU: ref("SKU-0023-N"), Quantity: ref(int64(99))}),
	},
	"v2/10": {
		"PUT 11 on E": both(excluded("E", "SKU-0028"), quantity("E", "SKU-0028", 11)), "PUT 12 on D": quantity("D", "SKU-0028", 12),
		"excluded on D: PUT 13 on D": both(excluded("E"), excluded("D", "SKU-0028"), quantity("D", "SKU-0028", 13)),
		"PUT 14 on E":                quantity("E", "SKU-0028", 14),
	},
	"v2/11": {
		"order on E for 2 of VAR-3-RED-M":  bought("E", "processing", Line{"VAR-3-RED-M", 2}),
		"order on D for 1 of VAR-3-BLUE-S": bought("D", "processing", Line{"VAR-3-BLUE-S", 1}),
		"parent 25 on D":                   quantity("D", "VAR-3", 25),
	},
	"v2/12": {
		"outofstock on E for SKU-0003":           put("E", "SKU-0003", Fields{Status: ref("outofstock")}),
		"instock on D for SKU-0012":              put("D", "SKU-0012", Fields{Status: ref("instock")}),
		"order on E with SKU-0015 and DL-1":      bought("E", "processing", Line{"SKU-0015", 1}, Line{"DL-1", 1}),
		"manual sync on D: EXT-1 GRP-1 SKU-0006": synced("EXT-1", "GRP-1", "SKU-0006"),
	},
	"v2/42": {
		"real plugin on E sends an event while its IP is locked out": written("E", "BULK-0140", 55),
		"E after the 429": nothing,
		"IP lock removed by hand, id lock left: valid ping as E and as F": func(w *world) {
			w.stores["D"].mu.Lock()
			defer w.stores["D"].mu.Unlock()
			for name := range w.stores["D"].failures {
				if name != "store "+idE {
					delete(w.stores["D"].failures, name)
				}
			}
		},
	},
	"v2/80": {
		"E sells down to 29": written("E", "BULK-0091", 29), "E sells down to 28": written("E", "BULK-0091", 28),
		"E sells down to 27": written("E", "BULK-0091", 27),
	},
	"v2/82": {
		"rotate on D": func(w *world) { w.stores["D"].Rotate(idE, rotated, 24*time.Hour) },
		"D pushes to E (D signs with the new one, E knows the old one)": written("D", "BULK-0141", 61),
		"D afterwards":                     nothing,
		"E sends to D with the old secret": written("E", "BULK-0142", 62),
		"overlap ended: old secret":        func(w *world) { w.stores["D"].Rotate(idE, rotated, 0) },
		"E gets the new secret, retry": func(w *world) {
			w.stores["E"].Rotate(idD, rotated, 0)
			w.stores["D"].RunAll(w.ctx)
		},
	},
}
