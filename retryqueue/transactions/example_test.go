package transactions_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/transactions"
)

func ExampleHandler() {
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore()})
	if err != nil {
		fmt.Println(err)
		return
	}
	screen, err := transactions.Handler(queue, transactions.Config{
		Authorize: func(r *http.Request, _ transactions.Action) error { // a host asks its session here
			if _, _, ok := r.BasicAuth(); !ok {
				return errors.New("not signed in")
			}
			return nil
		},
		Location: time.FixedZone("WIB", 7*3600),
		Kinds:    map[string]string{"kledo.order": "Sales order", "kledo.invoice": "Invoice"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/transactions/", http.StripPrefix("/transactions", screen))

	for _, user := range []string{"", "owner"} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/transactions/", nil)
		if user != "" {
			r.SetBasicAuth(user, "secret")
		}
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, r)
		fmt.Println(answer.Code)
	}
	// Output:
	// 403
	// 200
}
