// Package chain is what the stock examples share: the file of pairs, the books of what was really sold, and a live table.
package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/tillwire/tillwire/stocksync/kitgenix"
)

// Pairs reads a JSON file with a list of pairs: id, name, url, secret, disabled.
func Pairs(file string) ([]kitgenix.Pair, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the file is the user's to name
	if err != nil {
		return nil, fmt.Errorf("TILLWIRE_PAIRS: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var pairs []kitgenix.Pair
	if err := decoder.Decode(&pairs); err != nil {
		return nil, fmt.Errorf(`TILLWIRE_PAIRS: %s is no list such as [{"id":"…","name":"…","url":"https://…","secret":"…"}]: %w`, file, err)
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("TILLWIRE_PAIRS: %s has no pair", file)
	}
	for i, p := range pairs {
		for name, value := range map[string]string{"id": string(p.StoreID), "url": p.URL, "secret": p.Secret} {
			if value == "" {
				return nil, fmt.Errorf("TILLWIRE_PAIRS: pair %d of %s has no %s", i+1, file, name)
			}
		}
	}
	return pairs, nil
}

// Local lets the stores be where no public address leads, over plain http too, where the setting TILLWIRE_LOCAL is 1.
func Local(c *kitgenix.Config, env func(string) string) {
	if env("TILLWIRE_LOCAL") == "1" {
		c.AllowHTTP, c.HTTPClient = true, &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	}
}

// Sentence says an error in the words of the programs: the settings it names are the environment's.
func Sentence(err error) string {
	return strings.NewReplacer(
		"set Config.AllowHTTP", "set TILLWIRE_LOCAL=1", "Config.Self.StoreID", "TILLWIRE_STORE_ID", "Config.Pairs", "TILLWIRE_PAIRS",
		"Config.URL", "WOO_URL", "Config.Key", "WOO_KEY", "Config.Secret", "WOO_SECRET", "\n", "; ",
	).Replace(err.Error())
}

// Real reads the settings of real stores: the pairs, and who we are to them. No pairs: the demonstration is wanted.
func Real(env func(string) string) (pairs []kitgenix.Pair, self string, err error) {
	file, self := env("TILLWIRE_PAIRS"), env("TILLWIRE_STORE_ID")
	switch {
	case file == "" && self == "":
		return nil, "", nil
	case file == "":
		return nil, "", errors.New("TILLWIRE_PAIRS is not set, but TILLWIRE_STORE_ID is: set both, or neither for the demonstration")
	case self == "":
		return nil, "", errors.New("TILLWIRE_STORE_ID is not set, but TILLWIRE_PAIRS is: it is the id under which the stores know this host")
	}
	pairs, err = Pairs(file)
	for _, p := range pairs {
		if string(p.StoreID) == self {
			return nil, "", fmt.Errorf("TILLWIRE_STORE_ID is %q, as is a pair of TILLWIRE_PAIRS: this host needs an id of its own", self)
		}
	}
	return pairs, self, err
}
