package eurofaktura_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/eurofaktura"
)

// FuzzRecords: whatever a record looks like, reading it does not panic, and what was read is read again from what was written.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"documentID":"61:1","number":7,"Items":{"position":"1","quantity":"2.00"},"documentAmount":"1.0","x":[1]}`))
	f.Add([]byte(`{"status":{"a":1},"Items":null,"date":"2026-02-03","PriceCalculation":{"retailPrice":""},"BuyerData":[]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		again(t, src, new(eurofaktura.SalesOrder), new(eurofaktura.SalesOrder))
		again(t, src, new(eurofaktura.SalesInvoice), new(eurofaktura.SalesInvoice))
		again(t, src, new(eurofaktura.ReceivedInvoice), new(eurofaktura.ReceivedInvoice))
		again(t, src, new(eurofaktura.Document), new(eurofaktura.Document))
		again(t, src, new(eurofaktura.Product), new(eurofaktura.Product))
		again(t, src, new(eurofaktura.Partner), new(eurofaktura.Partner))
		again(t, src, new(eurofaktura.StockLevel), new(eurofaktura.StockLevel))
		again(t, src, new(eurofaktura.Created), new(eurofaktura.Created))
		again(t, src, new(eurofaktura.SalesOrderFields), new(eurofaktura.SalesOrderFields))
	})
}

func again[T any](t *testing.T, src []byte, one, two *T) {
	t.Helper()
	if json.Unmarshal(src, one) != nil {
		return
	}
	wrote, err := json.Marshal(one)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(wrote, two), "%s", wrote)
	rewrote, err := json.Marshal(two)
	require.NoError(t, err)
	require.Equal(t, string(wrote), string(rewrote))
}

// FuzzAnswer: whatever the server says, a call ends in rows or in an error, and a lost create is never called a success.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"response":{"status":"ok","result":[{"documentID":"1"}]}}`, `{"response":{"status":"error","description":"Error nr: 1 #x - y;"}}`,
		`{"response":null}`, `<html>`, `{"response":{"status":"ok"}}`, `{"response":{"status":"ok","result":{"pdfFile":"aGk="}}}`, "Another web request is currently being processed",
	} {
		f.Add(s, 200)
		f.Add(s, 500)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		// What would be waited for (a busy server, a broken answer) ends at once, because the deadline comes before the next try.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if status != 200 && status != 400 && status != 404 { // statuses that are not waited for
			status = 500
		}
		books := client(t, func(r *http.Request, _ string) *http.Response { return reply(r, status, body) },
			func(c *eurofaktura.Config) { c.Limiter = &eurofaktura.Limiter{Starts: 1000} })
		created, err := books.SalesOrders.Create(ctx, "a-1", eurofaktura.SalesOrderFields{})
		if err == nil {
			require.True(t, created.DocumentID != "" || created.Number != "")
		}
		if status != 500 { // a read of a 500 is repeated after half a second
			_, _, err = books.SalesOrders.List(ctx, eurofaktura.OrderQuery{})
			_ = err
			var out bytes.Buffer
			n, err := books.PDF(ctx, eurofaktura.KindSalesOrder, eurofaktura.ByID("1"), &out)
			if err == nil {
				require.EqualValues(t, out.Len(), n)
			}
		}
	})
}

// FuzzWebhook: whatever arrives is a message with an id, or an error.
func FuzzWebhook(f *testing.F) {
	f.Add([]byte(`{"messageID":"A","signature":1,"events":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, err := eurofaktura.ParseWebhook(body); err == nil {
			require.NotEmpty(t, m.ID)
		}
	})
}
