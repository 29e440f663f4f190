// Package setup reads what the examples are told by flags and environment, and says in the reader's own words what is wrong
// with it.
package setup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver of the examples' database file

	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/examples/internal/speed"
	"github.com/tillwire/tillwire/kledo"
	"github.com/tillwire/tillwire/kledo/kledosync"
	"github.com/tillwire/tillwire/woo"
	"github.com/tillwire/tillwire/woo/orderfeed"
)

// Lease is how long the jobs in hand of a process that died stay its own. No speed changes it.
const Lease = 10 * time.Second

// Settings are those of an example that wires a shop to Kledo.
type Settings struct {
	Shop  woo.Config   // URL is empty when the demonstration is wanted
	Books kledo.Config // with an HTTPClient that hurries at Speed

	Kledo      kledosync.Settings // of sales orders and invoices: the way of booking
	Compatible bool               // documents as the plugin makes them

	DB            string // of the SQLite file; empty: a file that goes with the demonstration
	Once, Now     bool
	Speed         float64
	Since         time.Time
	Listen        string
	WebhookSecret string
	JSON          bool
	Seed          uint64
	Logger        *slog.Logger
}

const usage = `Books the orders of a WooCommerce shop in Kledo: a sales order when an order is processing, an invoice when it is
completed. Without settings it shows itself on a fake shop and a fake Kledo that fails one call in five.

Settings (environment):
  WOO_URL             the shop's address, as WordPress knows it
  WOO_KEY, WOO_SECRET a read/write key: WooCommerce > Settings > Advanced > REST API
  WOO_CA              PEM file of a certificate authority to trust (optional)
  WOO_WEBHOOK_SECRET  secret of the shop's webhooks order.created and order.updated (with -listen)
  KLEDO_ENDPOINT      Settings > Integrations > API Key in Kledo
  KLEDO_TOKEN         the API key shown there
  KLEDO_BOOKING       woocommerce (default): through Kledo's own WooCommerce integration, which books some time later;
                      finance: through its general API, with the order's own prices, fees and taxes
  KLEDO_COMPATIBLE    1: with woocommerce, the documents are byte for byte those of the plugin wc-kledo; default 0
  TILLWIRE_DB         SQLite file that keeps what was read and what is to be sent; default tillwire.db

Flags:
`

// Parse reads flags from args and the rest from env, which is os.Getenv outside tests. flag.ErrHelp means that help was asked for
// and given on out.
func Parse(args []string, env func(string) string, out io.Writer) (*Settings, error) {
	s := &Settings{DB: env("TILLWIRE_DB"), WebhookSecret: env("WOO_WEBHOOK_SECRET")}
	s.Shop = woo.Config{URL: env("WOO_URL"), Key: env("WOO_KEY"), Secret: env("WOO_SECRET")}
	s.Books = kledo.Config{Endpoint: env("KLEDO_ENDPOINT"), Token: env("KLEDO_TOKEN")}
	demo := s.Shop.URL == "" && s.Books.Endpoint == ""

	var since string
	var verbose bool
	flags := cli.Flags("orders-to-kledo", usage, out)
	flags.BoolVar(&s.Once, "once", demo, "end when every order has been read and every document is sent or given up")
	flags.BoolVar(&s.Now, "now", false, "end when nothing is due at this moment, and say how many wait")
	flags.Float64Var(&s.Speed, "speed", 0, "divide all waits (never the leases) by this; default 1, in the demonstration 2000")
	flags.StringVar(&since, "since", "", "first order date to read, as 2026-01-31; default yesterday, in the demonstration all")
	flags.StringVar(&s.Listen, "listen", "", "address to take webhooks at, such as :8080; path /hooks/orders")
	flags.BoolVar(&s.JSON, "json", false, "print a JSON object as the last line of standard output")
	flags.Uint64Var(&s.Seed, "seed", 1, "of the demonstration's orders and faults")
	flags.BoolVar(&verbose, "v", false, "log what happens to standard error")
	if err := cli.Parse(flags, args); err != nil {
		return nil, err
	}

	var err error
	if s.Kledo.Booking, s.Compatible, err = booking(env("KLEDO_BOOKING"), env("KLEDO_COMPATIBLE")); err != nil {
		return nil, err
	}
	switch {
	case s.Shop.URL == "" && !demo:
		return nil, errors.New("WOO_URL is not set, but KLEDO_ENDPOINT is: set both, or neither for the demonstration")
	case s.Books.Endpoint == "" && !demo:
		return nil, errors.New("KLEDO_ENDPOINT is not set, but WOO_URL is: set both, or neither for the demonstration")
	case s.Speed < 0:
		return nil, errors.New("-speed must be positive")
	case s.Listen != "" && s.WebhookSecret == "":
		return nil, errors.New("-listen needs WOO_WEBHOOK_SECRET, the secret of the shop's webhooks: without it anyone could send orders")
	}
	if s.Now {
		s.Once = false
	}
	if since != "" {
		if s.Since, err = time.Parse(time.DateOnly, since); err != nil {
			return nil, fmt.Errorf("-since %q is no date such as 2026-01-31", since)
		}
	}
	if s.Speed == 0 {
		s.Speed = 1
		if demo {
			s.Speed = 2000
		}
	}
	if !demo && s.DB == "" {
		s.DB = "tillwire.db"
	}
	if s.Shop.HTTPClient, err = trusting(env("WOO_CA")); err != nil {
		return nil, err
	}
	if verbose {
		s.Logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.Shop.Logger, s.Books.Logger = s.Logger, s.Logger
	}
	return s, nil
}

// booking reads KLEDO_BOOKING and KLEDO_COMPATIBLE.
func booking(way, compatible string) (kledosync.Booking, bool, error) {
	var b kledosync.Booking
	switch way {
	case "", "woocommerce":
	case "finance":
		b = kledosync.FinanceAPI
	default:
		return 0, false, fmt.Errorf("KLEDO_BOOKING is %q: say woocommerce or finance", way)
	}
	switch {
	case compatible != "" && compatible != "0" && compatible != "1":
		return 0, false, fmt.Errorf("KLEDO_COMPATIBLE is %q: say 1 or 0", compatible)
	case compatible == "1" && b == kledosync.FinanceAPI:
		return 0, false, errors.New("KLEDO_COMPATIBLE is 1, but KLEDO_BOOKING is finance: the plugin knows woocommerce alone")
	}
	return b, compatible == "1", nil
}

// Hurry lets Kledo's requests to wait pass at Speed.
func (s *Settings) Hurry() {
	client := http.Client{Timeout: time.Minute}
	if s.Books.HTTPClient != nil {
		client = *s.Books.HTTPClient
	}
	client.Transport = speed.Transport(client.Transport, s.Speed)
	s.Books.HTTPClient = &client
}

// trusting returns a client that trusts the certificates in a PEM file beside the system's; nil without a file.
func trusting(file string) (*http.Client, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the file is the user's to name
	if err != nil {
		return nil, fmt.Errorf("WOO_CA: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("WOO_CA: %s holds no certificate in PEM form", file)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}
	return &http.Client{Transport: transport, Timeout: time.Minute}, nil
}

// OpenSQLite opens the database file, made when it is missing. Without a name it is a file that is gone when cleanup has been called.
func OpenSQLite(file string) (db *sql.DB, cleanup func(), err error) {
	dir := ""
	if file == "" {
		if dir, err = os.MkdirTemp("", "tillwire-"); err != nil {
			return nil, nil, err
		}
		file = filepath.Join(dir, "demo.db")
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: "_txlock=immediate" +
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"}).String()
	if db, err = sql.Open("sqlite", dsn); err != nil {
		return nil, nil, err
	}
	return db, func() {
		_ = db.Close() // every commit is on disk already
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}, nil
}

// Check asks shop and books whether they know us, so that a wrong setting is told at once and not by a thousand waiting jobs. What may
// pass by itself, such as an outage, is no reason to stop.
func Check(ctx context.Context, shop *woo.Client, books *kledo.Client) error {
	err := insist(func() (bool, error) {
		_, _, err := shop.Orders.List(ctx, woo.OrderQuery{PerPage: 1})
		var e *woo.Error
		return errors.As(err, &e) && e.Status == 0, err
	}, woo.ErrAuth, woo.ErrPermission, woo.ErrNoRoute, woo.ErrRedirect, woo.ErrHostBlocked, woo.ErrNotJSON)
	if err != nil {
		return fmt.Errorf("the shop: %w", err)
	}
	err = insist(func() (bool, error) {
		_, err := books.Connection(ctx)
		var e *kledo.Error
		return errors.As(err, &e) && e.Status == 0, err
	}, kledo.ErrAuth, kledo.ErrPermission, kledo.ErrNoRoute, kledo.ErrRedirect, kledo.ErrHostBlocked, kledo.ErrNotJSON)
	if err != nil {
		return fmt.Errorf("the books: %w", err)
	}
	return ctx.Err()
}

// insist calls until something else comes than an error of these kinds; what comes three times is meant. That nobody answers was tried
// often enough by the client.
func insist(call func() (silent bool, err error), kinds ...error) error {
	for try := 1; ; try++ {
		silent, err := call()
		switch {
		case silent:
			return err
		case !slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) }):
			return nil
		case try == 3:
			return err
		}
	}
}

// ReadAll lets a feed read until one whole run has succeeded and no order is left over. A failure that does not pass by itself ends it;
// between others it waits ten seconds, divided by speed.
func ReadAll(ctx context.Context, feed *orderfeed.Feed, speed float64) (read int, err error) {
	for {
		report, err := feed.RunOnce(ctx)
		var e interface{ Permanent() bool }
		switch {
		case err == nil && report.Failed == 0:
			return report.Read, nil
		case ctx.Err() != nil:
			return report.Read, nil //nolint:nilerr // the process was asked to end
		case errors.As(err, &e) && e.Permanent(), errors.Is(err, woo.ErrAuth), errors.Is(err, woo.ErrPermission):
			return report.Read, fmt.Errorf("the shop: %w", err)
		}
		wait := time.NewTimer(time.Duration(float64(10*time.Second) / speed))
		select {
		case <-ctx.Done():
			wait.Stop()
			return report.Read, nil
		case <-wait.C:
		}
	}
}

// Sentence says an error in the words of this program: the settings it names are the environment's.
func Sentence(err error) string {
	return strings.NewReplacer(
		"Config.URL", "WOO_URL", "Config.Key", "WOO_KEY", "Config.Secret", "WOO_SECRET",
		"Config.Endpoint", "KLEDO_ENDPOINT", "Config.Token", "KLEDO_TOKEN",
	).Replace(err.Error())
}
