package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// shop answers every request with a firewall's page.
type shop struct{}

func (shop) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"text/html"}}, Request: req,
		Body: io.NopCloser(strings.NewReader("<html><title>Sucuri WebSite Firewall - Access Denied</title>")),
	}, nil
}

func ExampleClient_Do() {
	base, err := url.Parse("https://shop.example/wp-json/wc/v3")
	if err != nil {
		fmt.Println(err)
		return
	}
	core, err := rest.New(rest.Config{
		System:     "woo",
		Base:       base,
		Authorize:  func(req *http.Request) error { req.SetBasicAuth("ck_key", "cs_secret"); return nil },
		HTTPClient: &http.Client{Transport: shop{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := core.Do(context.Background(), rest.Call{
		Op: "orders.Create", Kind: rest.Effect, Method: http.MethodPost, Path: "orders", Body: []byte(`{"status":"processing"}`),
	})
	var failure *rest.Failure
	if errors.As(err, &failure) {
		fmt.Println(failure)
		fmt.Println("blocked:", failure.Blocked(), "ambiguous:", failure.Ambiguous)
		return
	}
	defer answer.Release()
	fmt.Println(answer.Status)
	// Output:
	// orders.Create: POST orders: answered 403 Forbidden with a web page (Sucuri firewall) instead of JSON: a firewall turned the request away, have it let this client's address and User-Agent pass
	// blocked: true ambiguous: false
}
