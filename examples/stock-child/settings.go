package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/tillwire/tillwire/examples/internal/chain"
	"github.com/tillwire/tillwire/stocksync"
	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// settings are what the program was told.
type settings struct {
	wire   kitgenix.Config // the till itself, and its master; no pairs when the demonstration is wanted
	skus   []string        // that the till sells
	db     string          // of the SQLite file; empty: a file that goes with the demonstration
	listen string
	once   bool
	json   bool
	seed   uint64
	logger *slog.Logger
}

const usage = `Puts a till (simulated here) under a master that runs the plugin Kitgenix Stock Sync for WooCommerce. Without settings it
brings such a master along, and both sell.

Settings (environment):
  TILLWIRE_PAIRS     JSON file with the master: [{"id":"…","name":"…","url":"https://…","secret":"…"}]
  TILLWIRE_STORE_ID  the id under which the master knows this till
  TILLWIRE_SKUS      what the till sells, as MUG-1,MUG-2
  TILLWIRE_LOCAL     1: the master may have a local address, and an http one
  TILLWIRE_DB        SQLite file that keeps what was sold and what is to be reported; default tillwire.db

Flags:
`

// parse reads flags from args and the rest from env, which is os.Getenv outside tests. flag.ErrHelp means that help was asked for and
// given on out.
func parse(args []string, env func(string) string, out io.Writer) (*settings, error) {
	s := &settings{db: env("TILLWIRE_DB")}
	pairs, self, err := chain.Real(env)
	if err != nil {
		return nil, err
	}
	s.wire = kitgenix.Config{Self: stocksync.Self{StoreID: stocksync.StoreID(self), Name: "Till"}, Pairs: pairs}
	chain.Local(&s.wire, env)
	demo := len(pairs) == 0

	var verbose bool
	flags := flag.NewFlagSet("stock-child", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage) //nolint:errcheck // help that cannot be printed is no help
		flags.PrintDefaults()
	}
	flags.BoolVar(&s.once, "once", demo, "end when the till has what the master has")
	flags.BoolVar(&s.json, "json", false, "print a JSON object as the last line of standard output")
	flags.StringVar(&s.listen, "listen", ":8080", "where the master reaches this till; not in the demonstration")
	flags.Uint64Var(&s.seed, "seed", 1, "of the demonstration's sales")
	flags.BoolVar(&verbose, "v", false, "log what happens to standard error")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errors.New("see -h for the flags")
	}
	for _, sku := range strings.Split(env("TILLWIRE_SKUS"), ",") {
		if sku = strings.TrimSpace(sku); sku != "" {
			s.skus = append(s.skus, sku)
		}
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("%q is no flag: see -h", flags.Arg(0))
	case len(pairs) > 1:
		return nil, fmt.Errorf("TILLWIRE_PAIRS has %d pairs: a child has one, its master", len(pairs))
	case !demo && len(s.skus) == 0:
		return nil, errors.New("TILLWIRE_SKUS is not set: name what the till sells, as MUG-1,MUG-2")
	case demo && len(s.skus) > 0:
		return nil, errors.New("TILLWIRE_SKUS is set, but TILLWIRE_PAIRS is not: set both, or neither for the demonstration")
	case !demo && s.db == "":
		s.db = "tillwire.db"
	}
	for i := 0; demo && i < skus; i++ {
		s.skus = append(s.skus, chain.SKU(i))
	}
	if verbose {
		s.logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.wire.Logger = s.logger
	}
	return s, nil
}
