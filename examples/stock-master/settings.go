package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
	"github.com/tillwire/tillwire/stocksync/woopeer"
	"github.com/tillwire/tillwire/woo"
)

// settings are what the program was told.
type settings struct {
	wire       kitgenix.Config // the host itself, and the stores that run the plugin; no pairs when the demonstration is wanted
	shop       woo.Config      // the plain store; without URL there is none
	plain      woopeer.Config  // how it is followed
	master     stocksync.MasterConfig
	stock      []stocksync.Item // on hand, where no store tells
	hookSecret string
	db         string // of the SQLite file; empty: a file that goes with the demonstration
	listen     string
	once       bool
	json       bool
	seed       uint64
	logger     *slog.Logger
}

// hooks is where the plain store's webhooks go to.
const hooks = "/hooks/plain"

const usage = `Keeps one stock equal in stores that run the plugin Kitgenix Stock Sync for WooCommerce, a plain store and the host,
as their master. Without settings it brings such stores along (three with the plugin, of both generations), and all sell.

Settings (environment):
  TILLWIRE_PAIRS      JSON file with the stores: [{"id":"…","name":"…","url":"https://…","secret":"…","disabled":false}]
  TILLWIRE_STORE_ID   the id under which these stores know this host
  WOO_URL             the plain store's address, if there is one: what is on hand is then taken from it, once
  WOO_KEY, WOO_SECRET a read/write key: WooCommerce > Settings > Advanced > REST API
  WOO_SINCE           when the plain store joined, as 2026-01-31: its orders from then on count, not its quantities; must never change
  WOO_WEBHOOK_SECRET  secret of its webhooks, which go to /hooks/plain; default: it is asked every minute
  TILLWIRE_STOCK      what is on hand of products that are new here, as MUG-1=10,MUG-2=4
  TILLWIRE_LOCAL      1: the stores that run the plugin may have local addresses, and http ones
  TILLWIRE_DB         SQLite file that keeps stock, ledger and what is to be pushed; default tillwire.db

Flags:
`

// parse reads flags from args and the rest from env, which is os.Getenv outside tests. flag.ErrHelp means that help was asked for and
// given on out.
func parse(args []string, env func(string) string, out io.Writer) (*settings, error) {
	s := &settings{
		shop: woo.Config{URL: env("WOO_URL"), Key: env("WOO_KEY"), Secret: env("WOO_SECRET")}, plain: woopeer.Config{ID: plainID},
		hookSecret: env("WOO_WEBHOOK_SECRET"), db: env("TILLWIRE_DB"),
	}
	pairs, self, err := chain.Real(env)
	if err != nil {
		return nil, err
	}
	s.wire = kitgenix.Config{Self: stocksync.Self{StoreID: stocksync.StoreID(self), Name: "Main store"}, Pairs: pairs}
	chain.Local(&s.wire, env)
	demo := len(pairs) == 0

	var verbose bool
	var mode string
	var buffer int64
	flags := flag.NewFlagSet("stock-master", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage) //nolint:errcheck // help that cannot be printed is no help
		flags.PrintDefaults()
	}
	flags.StringVar(&mode, "mode", string(stocksync.Allocated),
		"what a store may sell: allocation (its share), buffer (all but some), plain (all)")
	flags.Int64Var(&buffer, "buffer", 2, "pieces of each product that no store is shown, with -mode buffer")
	flags.BoolVar(&s.once, "once", demo, "end when all stores have what they are to have; always in the demonstration")
	flags.BoolVar(&s.json, "json", false, "print a JSON object as the last line of standard output, with -once")
	flags.StringVar(&s.listen, "listen", ":8080", "where the stores reach this host; not in the demonstration")
	flags.Uint64Var(&s.seed, "seed", 1, "of the demonstration's sales and faults")
	flags.BoolVar(&verbose, "v", false, "log what happens to standard error")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errors.New("see -h for the flags")
	}
	s.master.Mode = stocksync.Mode(mode)
	s.master.Buffer = func(stocksync.StoreID, stocksync.Ref) decimal.Decimal { return decimal.NewFromInt(buffer) }
	if s.stock, err = stock(env("TILLWIRE_STOCK")); err != nil {
		return nil, err
	}
	if since := env("WOO_SINCE"); since != "" {
		if s.plain.OrdersSince, err = time.Parse(time.DateOnly, since); err != nil {
			return nil, fmt.Errorf("WOO_SINCE is %q, and no date such as 2026-01-31", since)
		}
		s.master.Capture = map[stocksync.StoreID]stocksync.Capture{plainID: stocksync.OrderLedger}
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("%q is no flag: see -h", flags.Arg(0))
	case !slices.Contains([]stocksync.Mode{stocksync.Plain, stocksync.Buffered, stocksync.Allocated}, s.master.Mode):
		return nil, fmt.Errorf("-mode is %q: say allocation, buffer or plain", mode)
	case buffer < 0:
		return nil, errors.New("-buffer cannot be negative")
	case demo && (s.shop.URL != "" || len(s.stock) > 0):
		return nil, errors.New("TILLWIRE_PAIRS is not set, but WOO_URL or TILLWIRE_STOCK is: set all, or none for the demonstration")
	case s.shop.URL == "" && !s.plain.OrdersSince.IsZero():
		return nil, errors.New("WOO_URL is not set, but WOO_SINCE is: set both, or neither")
	case demo:
		s.once = true
	case s.db == "":
		s.db = "tillwire.db"
	}
	if verbose {
		s.logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.wire.Logger, s.master.Logger, s.plain.Logger, s.shop.Logger = s.logger, s.logger, s.logger, s.logger
	}
	return s, nil
}

// stock reads TILLWIRE_STOCK.
func stock(text string) (items []stocksync.Item, err error) {
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		sku, quantity, _ := strings.Cut(one, "=")
		n, err := decimal.NewFromString(strings.TrimSpace(quantity))
		if sku = strings.TrimSpace(sku); err != nil || sku == "" {
			return nil, fmt.Errorf("TILLWIRE_STOCK has %q, which is no SKU with a quantity, as MUG-1=10", one)
		}
		items = append(items, stocksync.Item{Ref: stocksync.Ref{SKU: stocksync.SKU(sku)}, Stock: stocksync.Stock{Quantity: n}})
	}
	return items, nil
}
