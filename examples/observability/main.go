// Observability feeds what Tillwire's packages tell of themselves to OpenTelemetry, and from there to Prometheus. It shows itself on a
// fake shop whose orders go to a target that fails now and then: with -listen :9464 look at http://localhost:9464/metrics while it runs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/examples/internal/host"
	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
	"github.com/tillwire/tillwire/woo/wootest"
)

const usage = `Shows Tillwire's metrics in OpenTelemetry and Prometheus, on a fake shop of 50 orders and a target that fails one time in five.

Flags:
`

var app = cli.Program[settings]{Name: "observability", Parse: parse, Run: run}

func main() { app.Main() }

type settings struct {
	listen     string // empty: nobody can look
	once, json bool
}

func parse(args []string, _ func(string) string, out io.Writer) (s settings, err error) {
	flags := cli.Flags("observability", usage, out)
	flags.StringVar(&s.listen, "listen", "", "address to show the metrics at, such as :9464; path /metrics")
	flags.BoolVar(&s.once, "once", false, "end when every order has arrived, and print the metrics; the default without -listen")
	flags.BoolVar(&s.json, "json", false, "print a JSON object as the last line of standard output, rather than the metrics")
	if err := cli.Parse(flags, args); err != nil {
		return s, err
	}
	if _, _, err := net.SplitHostPort(s.listen); s.listen != "" && err != nil {
		return s, fmt.Errorf("-listen %q is no address such as :9464", s.listen)
	}
	s.once = s.once || s.listen == ""
	return s, nil
}

// orders is how many the fake shop has.
const orders = 50

func run(ctx context.Context, s settings) error {
	registry := prometheus.NewRegistry()
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		return err
	}
	metrics, err := NewMetrics(metric.NewMeterProvider(metric.WithReader(exporter)).Meter("tillwire"))
	if err != nil {
		return err
	}
	fake, err := newShop()
	if err != nil {
		return err
	}
	defer fake.Close()

	// The composition: each part is given the hook it asks for.
	config := fake.Config()
	config.Observe = metrics.Call
	shop, err := woo.New(config)
	if err != nil {
		return err
	}
	queue, err := retryqueue.New(retryqueue.Config{Store: retryqueue.NewMemoryStore(), Observe: metrics.Attempt})
	if err != nil {
		return err
	}
	target := &target{got: map[woo.OrderID]int{}}
	toTarget, err := retryqueue.Register(queue, retryqueue.Kind[*woo.Order]{
		Name: "target.order", Work: target.send, Schedule: retryqueue.Steps(100 * time.Millisecond), Concurrency: 1,
	})
	if err != nil {
		return err
	}
	feed, err := orderfeed.New(orderfeed.Config{
		Source: shop.Orders, Store: orderfeed.NewMemoryStore(), Statuses: []woo.OrderStatus{"processing"}, Since: time.Unix(0, 0),
		Handle: func(ctx context.Context, o *woo.Order) error {
			_, err := toTarget.Enqueue(ctx, o.Number, o)
			return err
		},
	})
	if err != nil {
		return err
	}
	verifier, err := signatures()
	if err != nil {
		return err
	}
	if err := errors.Join(metrics.Queue(queue), metrics.Signatures("peers", verifier)); err != nil {
		return err
	}

	parts := []func(context.Context) error{queue.Run, feed.Run}
	if s.listen != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
		parts = append(parts, host.Serve(s.listen, mux))
	}
	if !s.once {
		return host.Run(ctx, parts...)
	}
	pass, done := context.WithCancel(ctx)
	err = host.Run(pass, append(parts, func(ctx context.Context) error {
		defer done()
		return arrived(ctx, queue)
	})...)
	if err != nil {
		return err
	}
	return report(registry, target, s.json)
}

// arrived waits until every order has been delivered.
func arrived(ctx context.Context, q *retryqueue.Queue) error {
	ctx, cancel := context.WithTimeout(ctx, 50*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		found, err := q.List(ctx, retryqueue.Query{Count: true, Limit: 1})
		switch {
		case err != nil:
			return err
		case found.ByState[retryqueue.Succeeded] == orders:
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("of %d orders only %d arrived in time", orders, found.ByState[retryqueue.Succeeded])
		}
	}
}

func newShop() (*wootest.Shop, error) {
	shop, err := wootest.New(wootest.Config{})
	if err != nil {
		return nil, err
	}
	for range orders {
		if _, err := shop.AddOrder([]byte(`{"status":"processing"}`)); err != nil {
			return nil, err
		}
	}
	return shop, nil
}

// target is where the orders go. It refuses one in five.
type target struct{ got map[woo.OrderID]int }

func (t *target) send(_ context.Context, j retryqueue.Job[*woo.Order]) error {
	if rand.IntN(5) == 0 {
		return errors.New("the target is busy")
	}
	t.got[j.Payload.ID]++ // one worker
	return nil
}

// signatures lets a peer and a stranger knock.
func signatures() (*hmacauth.Verifier, error) {
	peer, err1 := hmacauth.NewKey("peer", hmacauth.GenerateSecret())
	stranger, err2 := hmacauth.NewKey("peer", hmacauth.GenerateSecret())
	keys, err3 := hmacauth.StaticKeys(peer)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	v, err := hmacauth.NewVerifier(hmacauth.VerifierConfig{
		Profile: hmacauth.Kitgenix{}, Keys: keys, Nonces: hmacauth.NewMemoryNonces(hmacauth.MemoryConfig{Since: time.Unix(0, 0)}),
	})
	if err != nil {
		return nil, err
	}
	for _, key := range []hmacauth.Key{peer, stranger} {
		r := httptest.NewRequest(http.MethodPost, "https://peer.example/", strings.NewReader("{}"))
		if err := (hmacauth.Signer{Profile: hmacauth.Kitgenix{}, Key: key}).Sign(r); err != nil {
			return nil, err
		}
		v.Middleware(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	}
	return v, nil
}

// report prints what a scrape would see, and sees that all of it is there.
func report(registry *prometheus.Registry, t *target, asJSON bool) error {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	page := w.Body.String()
	names := []string{
		"tillwire_queue_attempts_total", "tillwire_queue_lag_seconds_count", "tillwire_queue_work_seconds_count", "tillwire_queue_jobs",
		"tillwire_client_requests_total", "tillwire_client_latency_seconds_count", "tillwire_client_wait_seconds_count", "tillwire_signatures_total",
	}
	for _, name := range names {
		if !strings.Contains(page, "\n"+name+"{") {
			return fmt.Errorf("the metrics lack %s", name)
		}
	}
	duplicates := 0
	for _, n := range t.got {
		duplicates += n - 1
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]int{"orders": len(t.got), "metrics": len(names), "duplicates": duplicates})
	}
	_, err := fmt.Print(page)
	return err
}
