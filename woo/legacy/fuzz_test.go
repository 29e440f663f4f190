package legacy

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tillwire/tillwire/woo"
)

// FuzzDecode: whatever a shop answers, decoding neither panics nor loses what it took: what comes out goes through JSON and
// back unchanged.
func FuzzDecode(f *testing.F) {
	err := filepath.WalkDir(filepath.Join("testdata", "recorded"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil || len(raw) > 20_000 {
			return err
		}
		for i := range raw {
			if i > 0 && raw[i] == '\n' && raw[i-1] == '\n' {
				f.Add(raw[i+1:])
				break
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"orders":{"3":{"id":1},"1":{"id":2,"line_items":{"0":{"meta":{"a":[]}}},"created_at":7}}}`))
	f.Add([]byte(`{"order":{"id":"5","payment_details":[],"order_meta":{"a":null},"completed_at":"1970-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"errors":{"code":"woocommerce_api_disabled","message":{}}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		new(Error).fill(src)
		for _, name := range []string{"order", "orders", "product", "products", "customer", "coupon", "webhook", "count"} {
			v, err := envelope(src, name)
			if err != nil {
				continue
			}
			list, ok := elements(v)
			if !ok {
				list = []json.RawMessage{v}
			}
			for _, one := range list {
				idIn(one)
				stable[woo.Order](t, one, order)
				stable[woo.Product](t, one, product)
				stable[woo.Variation](t, one, variation)
				stable[woo.Customer](t, one, customer)
				stable[woo.Coupon](t, one, coupon)
				stable[woo.Webhook](t, one, webhook)
			}
		}
	})
}

func stable[T any](t *testing.T, src []byte, rewrite func(members)) {
	t.Helper()
	item, err := decode[T](src, rewrite)
	if err != nil {
		return
	}
	first, err := json.Marshal(item)
	if err != nil {
		t.Fatalf("%T read from %s cannot be written: %v", item, src, err)
	}
	again := new(T)
	if err := json.Unmarshal(first, again); err != nil {
		t.Fatalf("%s cannot be read back: %v", first, err)
	}
	second, err := json.Marshal(again)
	if err != nil || string(first) != string(second) {
		t.Fatalf("changed on the way: %s to %s: %v", first, second, err)
	}
}
