package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/tillwire/tillwire/eurofaktura"
	"github.com/tillwire/tillwire/eurofaktura/eurofakturasync"
	"github.com/tillwire/tillwire/examples/internal/cli"
	"github.com/tillwire/tillwire/woo"
)

// settings are what the program was told.
type settings struct {
	shop      eurofakturasync.ShopSettings // URL is empty when the demonstration is wanted
	books     eurofaktura.Config
	warehouse string
	centre    string
	statuses  map[woo.OrderStatus]string

	db     string // of the SQLite file; empty: a file that goes with the demonstration
	since  time.Time
	hooks  string // public address of webhooks; empty: polling
	listen string
	once   bool
	json   bool
	seed   uint64
	speed  float64
	logger *slog.Logger
}

const usage = `Books the orders of a WooCommerce shop in Eurofaktura as sales orders. Without settings it shows itself on a fake shop that speaks
the legacy API, and a fake Eurofaktura: a day's orders come by polling, then by webhooks of which some are lost, and the night finds
the rest.

Settings (environment):
  WOO_URL                  the shop's address, or that of its admin pages
  WOO_KEY, WOO_SECRET      consumer key and secret: WooCommerce > Settings > Advanced > REST API; read, with webhooks read/write
  WOO_API                  legacy (Settings > Advanced > Legacy API must be on) or v3; default v3
  EUROFAKTURA_ENDPOINT     the URL that the organisation's API developer panel shows
  EUROFAKTURA_USERNAME     user name of an API account
  EUROFAKTURA_SECRET_KEY   its secret key
  EUROFAKTURA_TOKEN        the organisation's token
  EUROFAKTURA_WAREHOUSE    code of the warehouse that the shop sells from
  EUROFAKTURA_COST_CENTRE  code of the cost centre that the shop is booked in
  EUROFAKTURA_STATUSES     statuses to keep in step, as processing=In work,completed=Done; default none
  TILLWIRE_DB              SQLite file that keeps what was read and what is to be sent; default tillwire.db

Flags:
`

// parse reads flags from args and the rest from env, which is os.Getenv outside tests. flag.ErrHelp means that help was asked for and
// given on out.
func parse(args []string, env func(string) string, out io.Writer) (*settings, error) {
	s := &settings{
		shop: eurofakturasync.ShopSettings{URL: env("WOO_URL"), APIKey: env("WOO_KEY"), Password: env("WOO_SECRET"), API: env("WOO_API")},
		books: eurofaktura.Config{
			Endpoint: env("EUROFAKTURA_ENDPOINT"), Username: env("EUROFAKTURA_USERNAME"), SecretKey: env("EUROFAKTURA_SECRET_KEY"),
			Token: env("EUROFAKTURA_TOKEN"),
		},
		warehouse: env("EUROFAKTURA_WAREHOUSE"), centre: env("EUROFAKTURA_COST_CENTRE"), db: env("TILLWIRE_DB"), speed: 1,
	}
	demo := s.shop.URL == "" && s.books.Endpoint == ""
	var since string
	var verbose bool
	flags := cli.Flags("eurofaktura-import", usage, out)
	flags.BoolVar(&s.once, "once", demo, "end when every order has been read and every document is sent or given up")
	flags.BoolVar(&s.json, "json", false, "print a JSON object as the last line of standard output")
	flags.StringVar(&since, "since", "", "first order date to read, as 2026-01-31; default yesterday, in the demonstration all")
	flags.StringVar(&s.hooks, "hooks", "", "public https address for the shop's webhooks, such as https://host.example/hooks; default: polling")
	flags.StringVar(&s.listen, "listen", ":8080", "where to take them, with -hooks")
	flags.Uint64Var(&s.seed, "seed", 1, "of the demonstration's orders and faults")
	flags.BoolVar(&verbose, "v", false, "log what happens to standard error")
	if err := cli.Parse(flags, args); err != nil {
		return nil, err
	}
	switch {
	case demo:
		s.speed = 2000
	case s.shop.URL == "":
		return nil, errors.New("WOO_URL is not set, but EUROFAKTURA_ENDPOINT is: set both, or neither for the demonstration")
	case s.books.Endpoint == "":
		return nil, errors.New("EUROFAKTURA_ENDPOINT is not set, but WOO_URL is: set both, or neither for the demonstration")
	case s.db == "":
		s.db = "tillwire.db"
	}
	if s.hooks != "" {
		if u, err := url.Parse(s.hooks); err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("-hooks %q is no https address: shops deliver to no other", s.hooks)
		}
	}
	if since != "" {
		var err error
		if s.since, err = time.Parse(time.DateOnly, since); err != nil {
			return nil, fmt.Errorf("-since %q is no date such as 2026-01-31", since)
		}
	}
	for _, pair := range strings.FieldsFunc(env("EUROFAKTURA_STATUSES"), func(r rune) bool { return r == ',' }) {
		from, to, ok := strings.Cut(pair, "=")
		if from, to = strings.TrimSpace(from), strings.TrimSpace(to); !ok || from == "" || to == "" {
			return nil, fmt.Errorf("EUROFAKTURA_STATUSES: %q is not of the form processing=In work", pair)
		}
		if s.statuses == nil {
			s.statuses = map[woo.OrderStatus]string{}
		}
		s.statuses[woo.OrderStatus(from)] = to
	}
	if verbose {
		s.logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo}))
		s.books.Logger = s.logger
	}
	return s, nil
}

// sentence says an error in the words of this program: the settings it names are the environment's.
func sentence(err error) string {
	return strings.NewReplacer(
		"ShopSettings.URL", "WOO_URL", "ShopSettings.APIKey", "WOO_KEY", "ShopSettings.Password", "WOO_SECRET", "ShopSettings.API", "WOO_API",
		"APIKey and Password", "WOO_KEY and WOO_SECRET", "Config.URL", "WOO_URL", "Config.Key", "WOO_KEY", "Config.Secret:", "WOO_SECRET:",
		"Config.Endpoint", "EUROFAKTURA_ENDPOINT", "Config.Username", "EUROFAKTURA_USERNAME", "Config.SecretKey", "EUROFAKTURA_SECRET_KEY",
		"Config.Token", "EUROFAKTURA_TOKEN", "Config.Warehouse", "EUROFAKTURA_WAREHOUSE", "Config.CostCentre", "EUROFAKTURA_COST_CENTRE",
		"Config.StatusMap", "EUROFAKTURA_STATUSES",
	).Replace(err.Error())
}
