package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/sitoo/sitoosync"
	"github.com/tillwire/tillwire/woo"
)

// settings are what the program was told.
type settings struct {
	shop      woo.Config // URL is empty when the demonstration is wanted
	till      sitoo.Config
	mode      string // live or test
	warehouse sitoo.WarehouseID

	operations []sitoosync.Operation
	orders     sitoosync.OrdersMode
	dry        bool
	once       bool
	json       bool
	seed       uint64
	db         string // of the SQLite file; empty: a file that goes with the demonstration
	pictures   *http.Client
	logger     *slog.Logger
}

const usage = `Keeps a WooCommerce shop and a Sitoo till in step. Without settings it shows itself on a fake shop of 500 products and
200 orders, and a fake till of another 500, partly the same: they are matched, synced both ways, and then sell on both sides.

Settings (environment):
  WOO_URL              the shop's address
  WOO_KEY, WOO_SECRET  consumer key and secret: WooCommerce > Settings > Advanced > REST API; read/write
  SITOO_MODE           live or test (a sandbox); default test
  SITOO_BASE_URL       the address in Sitoo's Backoffice > Settings > Sitoo REST API
  SITOO_API_ID         the API ID, such as 91234-7
  SITOO_PASSWORD       its password
  SITOO_SITE           the eshopid of the site; default 1
  SITOO_WAREHOUSE      the id of the warehouse whose stock is the shop's
  TILLWIRE_DB          SQLite file that keeps links, cursors and what is to be sent; default tillwire.db

Flags:
`

// parse reads flags from args and the rest from env, which is os.Getenv outside tests. flag.ErrHelp means that help was asked for and
// given on out.
func parse(args []string, env func(string) string, out io.Writer) (*settings, error) {
	s := &settings{
		shop: woo.Config{URL: env("WOO_URL"), Key: env("WOO_KEY"), Secret: env("WOO_SECRET")},
		till: sitoo.Config{BaseURL: env("SITOO_BASE_URL"), APIID: env("SITOO_API_ID"), Password: env("SITOO_PASSWORD")},
		mode: env("SITOO_MODE"), db: env("TILLWIRE_DB"),
	}
	demo := s.shop.URL == "" && s.till.BaseURL == ""
	operations, orders, verbose := "match-all", "s2d", false
	if demo {
		operations, orders = strings.Join(demoOperations, ","), "all"
	}
	flags := cli.Flags("sitoo-pos", usage, out)
	flags.BoolVar(&s.once, "once", demo, "end when both sides are in step")
	flags.BoolVar(&s.json, "json", false, "print a JSON object as the last line of standard output, with -once")
	flags.BoolVar(&s.dry, "dry", false, "only say what the operations would do")
	flags.StringVar(&operations, "operations", operations, "what to do first, in this order, with commas; see sitoosync.Operation")
	flags.StringVar(&orders, "orders", orders, "which of the till's orders come down: s2d (to be sent), all, none")
	flags.Uint64Var(&s.seed, "seed", 1, "of the demonstration")
	flags.BoolVar(&verbose, "v", false, "log what happens to standard error")
	if err := cli.Parse(flags, args); err != nil {
		return nil, err
	}
	for _, name := range strings.Split(operations, ",") {
		s.operations = append(s.operations, sitoosync.Operation(strings.TrimSpace(name)))
	}
	var known bool
	if s.orders, known = map[string]sitoosync.OrdersMode{
		"s2d": sitoosync.Store2DoorOrders, "all": sitoosync.AllOrders, "none": sitoosync.NoOrders,
	}[orders]; !known {
		return nil, fmt.Errorf("-orders %q is none of s2d, all and none", orders)
	}
	if verbose {
		s.logger = slog.New(slog.NewTextHandler(out, nil))
	}
	if s.mode == "" {
		s.mode = "test"
	}
	if demo {
		return s, nil
	}
	if s.db == "" {
		s.db = "tillwire.db"
	}
	return s, s.real(env)
}

// real reads what only real systems need.
func (s *settings) real(env func(string) string) (err error) {
	number := func(name string) int64 {
		text := env(name)
		if text == "" || err != nil {
			return 0
		}
		n, parseErr := strconv.ParseInt(text, 10, 64)
		if parseErr != nil || n <= 0 {
			err = fmt.Errorf("%s is %q: give a number above 0", name, text)
		}
		return n
	}
	s.till.Site, s.warehouse = sitoo.SiteID(number("SITOO_SITE")), sitoo.WarehouseID(number("SITOO_WAREHOUSE"))
	switch {
	case err != nil:
		return err
	case s.shop.URL == "":
		return errors.New("WOO_URL is not set, but SITOO_BASE_URL is: set both, or neither for the demonstration")
	case s.till.BaseURL == "":
		return errors.New("SITOO_BASE_URL is not set, but WOO_URL is: set both, or neither for the demonstration")
	case s.mode != "live" && s.mode != "test":
		return fmt.Errorf("SITOO_MODE is %q: give live or test", s.mode)
	case s.warehouse == 0:
		return errors.New("SITOO_WAREHOUSE is not set: give the id of the warehouse whose stock is the shop's")
	}
	return nil
}

// sentence says an error in the words of this program: the settings it names are the environment's.
func sentence(err error) string {
	return strings.NewReplacer(
		"woo: Config.URL", "WOO_URL", "woo: Config.Key", "WOO_KEY", "woo: Config.Secret", "WOO_SECRET",
		"Config.URL", "WOO_URL", "Config.Key", "WOO_KEY", "Config.Secret", "WOO_SECRET",
		"sitoo: Config.BaseURL", "SITOO_BASE_URL", "Config.BaseURL", "SITOO_BASE_URL", "sitoo: Config.APIID", "SITOO_API_ID",
		"sitoo: Config.Password", "SITOO_PASSWORD", "sitoo: Config.Site", "SITOO_SITE", "Config.Site", "SITOO_SITE",
		"sitoosync: Config.Warehouse", "SITOO_WAREHOUSE",
	).Replace(err.Error())
}
