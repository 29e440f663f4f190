package kitgenix

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/stocksync"
)

// MetaCounter is the product meta in which the second generation's master counts versions. A store that was made by copying the
// master's database has it too, and then reports everything under one version.
const MetaCounter = "_kitgenix_stock_sync_for_woocommerce_version"

// Shop is what the doctor may also ask about a store, by the store's own REST API: few lines over a client of package woo.
type Shop interface {
	// Stocked yields all products and variations that have an SKU.
	Stocked(ctx context.Context) iter.Seq2[Stocked, error]
	// BlockCheckout reports whether the checkout page holds the block rather than the classic form.
	BlockCheckout(ctx context.Context) (bool, error)
}

// Stocked is a product as the doctor sees it.
type Stocked struct {
	SKU     stocksync.SKU
	GID     stocksync.GID // meta [stocksync.MetaGID]
	Counter bool          // meta [MetaCounter] is there
}

// clockNote is how far clocks may differ before an operator should hear of it.
const clockNote = time.Minute

// Diagnose says why a pair does not work, or what about it will make trouble. It pings and asks for one product that does not exist;
// nothing is changed. shop may be nil.
func (w *Wire) Diagnose(ctx context.Context, id stocksync.StoreID, shop Shop) *Diagnosis {
	d := &Diagnosis{}
	p := w.pairs[id]
	if p == nil || p.base == nil {
		d.add(Finding{NoPair, fmt.Sprintf("there is no pair with %q, or it has no URL", id), "Add it to Config.Pairs", false, nil})
		return d
	}
	x := &examination{Diagnosis: d, pair: p}
	x.secret()
	role := x.connection(ctx)
	if shop != nil && ctx.Err() == nil {
		x.catalogue(ctx, shop, role)
		x.checkout(ctx, shop)
	}
	return d
}

// examination is a Diagnose on its way.
type examination struct {
	*Diagnosis
	pair *pair
}

func (x *examination) secret() {
	if x.pair.risky != nil {
		x.add(Finding{RiskySecret, strings.TrimPrefix(x.pair.risky.Error(), "hmacauth: "),
			"Enter one of letters and digits on both sides (hmacauth.GenerateSecret), or give the pasted form in Pair.OldSecrets too " +
				"(hmacauth.PastedIntoWordPress)", true, nil})
	}
}

// connection pings. It returns what the store said it is.
func (x *examination) connection(ctx context.Context) stocksync.Role {
	p := x.pair
	signing := p.keys.SigningKey().Fingerprint()
	pong, err := p.down.ping(ctx)
	if err != nil && p.RFC9421 { // it may be our master, which wants the other tag
		if again, e := p.up.ping(ctx); e == nil {
			pong, err = again, nil
		}
	}
	x.clock(err != nil)
	if err != nil {
		x.explain(err)
		return ""
	}
	if p.keys.SigningKey().Fingerprint() != signing {
		x.add(Finding{OldSecret, "the store has the secret before", "Enter the new one there", true, nil})
	}
	if pong.StoreID != p.StoreID {
		x.add(Finding{WrongStore, fmt.Sprintf("the store calls itself %q, the pair says %q", pong.StoreID, p.StoreID),
			"Correct Pair.StoreID, or Pair.URL if another store was meant", false, nil})
	}
	if p.down.byQuery.Load() || p.up.byQuery.Load() {
		x.add(Finding{PlainPermalinks, "the store has plain permalinks; we reach it all the same, stores that run the plugin do not",
			"Choose any structure but Plain under Settings > Permalinks", true, nil})
	}
	if said, _ := p.speech.get(); said.generation == 1 {
		x.add(Finding{OldGeneration, "the store runs the first generation of the plugin: products that are unmanaged or counted by their " +
			"parent are not sent to it, retries may bring back old stock, and it waits for its children in the shopper's request",
			"Update the plugin there to 2.0 or newer", true, nil})
	} else if !said.golang && pong.Role == stocksync.RoleChild {
		x.add(Finding{BlockCheckout, "the plugin's strict checkout check runs in the classic checkout only",
			"Where the store uses the block checkout, rely on allocation or a buffer instead", true, nil})
	}
	return pong.Role
}

func (x *examination) clock(refused bool) {
	offset, _, known := x.pair.clock.Offset()
	if !known || offset.Abs() < clockNote {
		return
	}
	text := fmt.Sprintf("the store's clock is %s off ours; from 300 s on signatures are refused", offset.Abs().Round(time.Second))
	x.add(Finding{WrongClock, text, "Set both by NTP, or set Config.CorrectClock", !refused || offset.Abs() < refusedSkew, nil})
}

// securityCodes are by what plugins that close the REST API answer.
var securityCodes = map[string]string{
	"itsec_rest_api_access_restricted": "Solid Security",
	"rest_cannot_access":               "Disable WP REST API",
	"rest_not_logged_in":               "a rule that asks for a login",
	"rest_login_required":              "a rule that asks for a login",
	"rest_authentication_error":        "Perfmatters",
}

const allow = "Allow POST to /wp-json/" + namespace + "/ping, /event, /stock and /stock-state for this machine's address"

// explain speaks of a ping that failed.
func (x *examination) explain(err error) {
	is := func(p Problem, text, do string) { x.add(Finding{p, text, do, false, err}) }
	var e *Error
	switch {
	case !errors.As(err, &e):
		is(UnexplainedError, err.Error(), "See the error")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		is(Interrupted, "the diagnosis was stopped", "Give it more time")
	case e.Code == "kss_auth_sender" || e.Code == "kss_auth_secret":
		is(UnknownPair, "the store does not know us", "Enter our store id, "+string(x.pair.self)+", and the secret there")
	case e.Code == "kss_auth_missing" || e.Code == "kss_auth_bad_ts":
		is(HeadersStripped, "our headers do not arrive",
			"Have every proxy and firewall before the store pass on X-Kitgenix-Store-Id, -Timestamp, -Nonce and -Signature")
	case e.Code == "kss_auth_skew":
		x.skew(err)
	case e.Code == "kss_auth_sig":
		is(WrongSecret, "the store knows us and has another secret, or something on the way alters bodies",
			"Enter one secret of letters and digits on both sides")
	case e.Code == codeAuthFailed:
		is(Unauthorized, "the store refuses our signature and does not say why",
			"Check there, in this order: our store id, "+string(x.pair.self)+", the secret (one of letters and digits), the clock, and "+
				"that X-Kitgenix- headers pass every proxy")
	case errors.Is(err, ErrAuth): // the breaker
		is(LockedOut, "the store has refused us again and again, so nothing is sent to it now",
			"Correct secret, store id or clock, and wait until the time in the error")
	case errors.Is(err, ErrRateLimited):
		is(LockedOut, "the store answers nobody at this address for 15 minutes, since signatures failed",
			"Correct secret, store id or clock first; every pair behind this address is concerned")
	case errors.Is(err, ErrRedirect):
		site, _, _ := strings.Cut(e.Target, "/wp-json")
		is(Redirected, "the store redirects to "+e.Target+", where nothing signed is sent", "Set Pair.URL to "+strings.TrimRight(site, "/"))
	case e.Code == codeNoRoute:
		is(NoPlugin, "WordPress answers, but has no routes of the plugin", "Activate the plugin there, or correct Pair.URL")
	case errors.Is(err, ErrNoRoute):
		is(WrongAddress, "there is no REST API at this address",
			"Set Pair.URL to the store's address as WordPress knows it (Settings > General)")
	case errors.Is(err, ErrHostBlocked) && e.Code != "":
		by := securityCodes[e.Code]
		if by == "" {
			by = "a security plugin"
		}
		is(RESTClosed, by+" keeps the REST API from strangers ("+e.Code+")", allow)
	case errors.Is(err, ErrHostBlocked):
		is(Firewall, e.text, allow)
	case errors.Is(err, ErrUnavailable) && e.Status == 0:
		is(Unreachable, e.text, "Check the host name in Pair.URL, the network, and that the store is up")
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnverified):
		is(Outage, e.text, "Look into the store's PHP error log")
	default:
		is(UnexplainedError, e.text, "See the error")
	}
}

// skew makes sure that the clock is named although the answer had no date.
func (x *examination) skew(err error) {
	if !x.Has(WrongClock) {
		x.add(Finding{WrongClock, "the store's clock and ours differ by more than 300 s",
			"Set both by NTP, or set Config.CorrectClock", false, err})
	}
}

// catalogue looks for products that no identity tells apart, and for the traces of a copied database.
func (x *examination) catalogue(ctx context.Context, shop Shop, role stocksync.Role) {
	skus, gids := map[string]stocksync.SKU{}, map[stocksync.GID]stocksync.SKU{}
	var doubleSKU, doubleGID []string
	counters := 0
	for product, err := range shop.Stocked(ctx) {
		if err != nil {
			x.add(Finding{CatalogueUnread, "the store's products could not be read: " + err.Error(), "See the error", true, err})
			break
		}
		if fold := product.SKU.Fold(); fold != "" {
			if first, taken := skus[fold]; taken {
				doubleSKU = append(doubleSKU, spelled(first, product.SKU))
			}
			skus[fold] = product.SKU
		}
		if product.GID != "" {
			if first, taken := gids[product.GID]; taken {
				doubleGID = append(doubleGID, spelled(first, product.SKU))
			}
			gids[product.GID] = product.SKU
		}
		if product.Counter {
			counters++
		}
	}
	x.doubles(DuplicateSKU, "have the same SKU for the store's database", doubleSKU,
		"Give each product an SKU of its own; case tells none apart")
	x.doubles(DuplicateGID, "have the same "+stocksync.MetaGID, doubleGID,
		"Delete the meta of the copies: duplicating a product copies it")
	if counters > 0 && role == stocksync.RoleChild {
		x.add(Finding{ClonedChild, fmt.Sprintf("%d products carry a master's version counter: the store was copied from its master, and a "+
			"plugin master takes what it reports for old news after the first time", counters),
			"Delete the meta " + MetaCounter + " of its products; a Go master does not mind", true, nil})
	}
}

func spelled(first, second stocksync.SKU) string {
	if first == second {
		return string(first)
	}
	return string(first) + " and " + string(second)
}

// shownDoubles is how many duplicates a finding names.
const shownDoubles = 10

func (x *examination) doubles(p Problem, what string, found []string, do string) {
	if len(found) == 0 {
		return
	}
	names, more := found, ""
	if len(found) > shownDoubles {
		names, more = found[:shownDoubles], fmt.Sprintf(" and %d more", len(found)-shownDoubles)
	}
	x.add(Finding{p, "products " + what + ": " + strings.Join(names, ", ") + more, do, false, nil})
}

// checkout looks whether the note on the block checkout is one for this store.
func (x *examination) checkout(ctx context.Context, shop Shop) {
	i := slices.IndexFunc(x.Findings, func(f Finding) bool { return f.Problem == BlockCheckout })
	if i < 0 {
		return
	}
	switch block, err := shop.BlockCheckout(ctx); {
	case err != nil: // the note stays as it is
	case block:
		x.Findings[i].Text = "the store uses the block checkout, in which the plugin's strict check does not run"
	default:
		x.Findings = slices.Delete(x.Findings, i, i+1)
	}
}

// pasted names what WordPress would do to a secret; nil when nothing.
func pasted(secret string) error {
	if hmacauth.PastedIntoWordPress(secret) == secret {
		return nil
	}
	return hmacauth.CheckSecret(secret)
}
