package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tillwire/tillwire/examples/internal/burndowntest"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/wootest"
)

// series is what one thing costs at growing sizes.
type series struct {
	name   string
	unit   string // of the size
	sizes  []int
	micros []float64 // for each unit
}

// TestSizes measures what one job and one order cost as there are more of them, prints it as a table and, with TILLWIRE_PLOT set to a
// file's name, draws it there. Flat lines are the point: what costs the same at a million as at a thousand.
func TestSizes(t *testing.T) {
	jobs, orders := []int{1_000, 10_000}, []int{100, 1_000}
	if os.Getenv("TILLWIRE_LONG") != "" {
		jobs, orders = []int{1_000, 10_000, 100_000, 1_000_000}, []int{100, 1_000, 10_000, 100_000}
	}
	all := []series{
		{name: "memory queue: enqueue and work", unit: "jobs", sizes: jobs},
		{name: "SQLite queue: work", unit: "jobs", sizes: jobs},
		{name: "orders read in pages of 100", unit: "orders", sizes: orders},
	}
	if os.Getenv("TILLWIRE_TEST_POSTGRES") != "" {
		all = append(all, series{name: "PostgreSQL queue: work", unit: "jobs", sizes: jobs})
	}
	for i := range all {
		s := &all[i]
		for _, n := range s.sizes {
			s.micros = append(s.micros, s.cost(t, n).Seconds()*1e6/float64(n))
		}
		var row strings.Builder
		for j, n := range s.sizes {
			fmt.Fprintf(&row, " | %d: %.1f µs", n, s.micros[j])
		}
		t.Logf("%s, each of so many %s%s", s.name, s.unit, row.String())
	}
	if name := os.Getenv("TILLWIRE_PLOT"); name != "" {
		check(t, os.WriteFile(name, []byte(plot(all)), 0o600))
	}
}

func (s *series) cost(t *testing.T, n int) time.Duration {
	t.Helper()
	switch {
	case strings.HasPrefix(s.name, "memory"):
		return burndowntest.Run(t, retryqueue.NewMemoryStore(), burndowntest.Workers, n, burndowntest.NewOrder, func() {})
	case strings.HasPrefix(s.name, "SQLite"):
		return burndowntest.SQL("sqlite").Burn(t, n)
	case strings.HasPrefix(s.name, "PostgreSQL"):
		return burndowntest.SQL("postgres").Burn(t, n)
	}
	return readAll(t, n)
}

// readAll reads n orders through the iterator; the shop's answers are made before.
func readAll(t *testing.T, n int) time.Duration {
	t.Helper()
	shop := manyOrders(t, n)
	client, err := woo.New(woo.Config{URL: "https://shop.example", Key: "ck_x", Secret: "cs_x", HTTPClient: shop})
	check(t, err)
	began, read := time.Now(), 0
	for _, err := range client.Orders.All(context.Background(), woo.OrderQuery{}) {
		check(t, err)
		read++
	}
	if read != n {
		t.Fatalf("read %d of %d orders", read, n)
	}
	return time.Since(began)
}

// shopOfMany answers pages of one recorded order under ascending ids, as a shop of n orders does that is asked for those after an id.
type shopOfMany struct {
	n     int
	order []byte // one order without its id
}

func manyOrders(t *testing.T, n int) *http.Client {
	t.Helper()
	fake, err := wootest.New(wootest.Config{})
	check(t, err)
	defer fake.Close()
	id, err := fake.AddOrder([]byte(`{"status":"processing","billing":{"first_name":"Ana"},"fee_lines":[{"name":"p","total":"25.00"}]}`))
	check(t, err)
	_, order, found := bytes.Cut(fake.Order(id), []byte(","))
	if !found {
		t.Fatal("an order without members")
	}
	return &http.Client{Transport: shopOfMany{n, order}}
}

func (s shopOfMany) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	number := func(name string) int { n, _ := strconv.Atoi(q.Get(name)); return n }
	size := max(1, number("per_page"))
	from := max(number("offset"), max(0, number("page")-1)*size)
	var body bytes.Buffer
	for id := from + 1; id <= min(s.n, from+size); id++ {
		fmt.Fprintf(&body, `,{"id":%d,%s`, id, s.order)
	}
	answer := "[" + strings.TrimPrefix(body.String(), ",") + "]"
	header := http.Header{
		"Content-Type": {"application/json"}, "X-Wp-Total": {strconv.Itoa(s.n)}, "X-Wp-Totalpages": {strconv.Itoa((s.n + 99) / 100)},
	}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// plot draws cost against size, both by their logarithms, as an SVG without any library: a polyline for each series.
func plot(all []series) string {
	const w, h, left, bottom, top = 720, 420, 70, 60, 30
	colours := []string{"#1f77b4", "#2ca02c", "#d62728", "#9467bd"}
	x := func(n int) float64 { return left + (math.Log10(float64(n))-2)/4*(w-left-200) }
	y := func(us float64) float64 { return h - bottom - (math.Log10(us)+0)/3*(h-bottom-top) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", w, h)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/><text x="%d" y="18" font-size="14">Microseconds for each, against how many there are</text>`+"\n", w, h, left)
	for e := 2; e <= 6; e++ {
		at := x(int(math.Pow10(e)))
		fmt.Fprintf(&b, `<line x1="%.0f" x2="%.0f" y1="%d" y2="%d" stroke="#ddd"/><text x="%.0f" y="%d" text-anchor="middle">10^%d</text>`+"\n", at, at, top, h-bottom, at, h-bottom+18, e)
	}
	for e := 0; e <= 3; e++ {
		at := y(math.Pow10(e))
		fmt.Fprintf(&b, `<line x1="%d" x2="%.0f" y1="%.0f" y2="%.0f" stroke="#ddd"/><text x="%d" y="%.0f" text-anchor="end">%.0f µs</text>`+"\n", left, x(1e6), at, at, left-8, at+4, math.Pow10(e))
	}
	for i, s := range all {
		points := make([]string, len(s.sizes))
		for j, n := range s.sizes {
			points[j] = fmt.Sprintf("%.1f,%.1f", x(n), y(max(1, s.micros[j])))
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>`, colours[i%4], strings.Join(points, " "))
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", w-195, top+20+18*i, colours[i%4], s.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
