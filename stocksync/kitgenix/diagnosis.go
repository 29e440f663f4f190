package kitgenix

import (
	"slices"
	"strings"
)

// Problem is one way in which a pair does not work.
type Problem string

// The problems.
const (
	NoPair           Problem = "pair"             // there is none, or it has no URL
	RiskySecret      Problem = "secret form"      // it does not survive being pasted into WordPress
	WrongSecret      Problem = "secret"           // the store has another
	OldSecret        Problem = "old secret"       // the store has the one before
	UnknownPair      Problem = "unknown pair"     // the store does not know us
	Unauthorized     Problem = "signature"        // refused, and the second generation does not say why
	HeadersStripped  Problem = "headers stripped" // something takes our headers away
	WrongClock       Problem = "clock"            // it differs from ours
	LockedOut        Problem = "locked out"       // after failed signatures
	WrongStore       Problem = "store id"         // another store answers
	WrongRole        Problem = "role"             // the store is not what it should be to us
	OldGeneration    Problem = "first generation" // of the plugin, which loses stock in ways of its own
	Unreachable      Problem = "unreachable"      // no answer
	Redirected       Problem = "redirect"         // the address leads elsewhere
	PlainPermalinks  Problem = "plain permalinks" // the REST API has no address of its own
	NoPlugin         Problem = "no plugin"        // WordPress without the plugin's routes
	WrongAddress     Problem = "wrong address"    // no WordPress there
	Firewall         Problem = "firewall"         // something before WordPress turns us away
	RESTClosed       Problem = "REST closed"      // a plugin keeps the REST API from strangers
	Outage           Problem = "outage"           // the store is ill
	BlockCheckout    Problem = "block checkout"   // the strict checkout check does not run there
	DuplicateSKU     Problem = "duplicate SKU"    // two products have it
	DuplicateGID     Problem = "duplicate GID"    // two products have it
	ClonedChild      Problem = "cloned child"     // a child's products carry the master's counters
	CatalogueUnread  Problem = "catalogue"        // the Shop could not be read
	Interrupted      Problem = "interrupted"      // the context ended
	UnexplainedError Problem = "unexplained"      // see Err
)

// Finding is one problem, and what to do about it.
type Finding struct {
	Problem Problem
	Text    string // what is the case
	Do      string // what to do, and where
	Note    bool   // the pair works all the same
	Err     error  // what the store answered, if that was an error
}

// String is both sentences.
func (f Finding) String() string { return f.Text + ". " + f.Do + "." }

// Diagnosis is what Diagnose found.
type Diagnosis struct {
	Findings []Finding
}

// OK reports that the pair works. There may still be notes.
func (d *Diagnosis) OK() bool {
	return !slices.ContainsFunc(d.Findings, func(f Finding) bool { return !f.Note })
}

// Has reports whether a problem was found.
func (d *Diagnosis) Has(p Problem) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Problem == p })
}

// String is a line for each finding.
func (d *Diagnosis) String() string {
	lines := make([]string, 0, len(d.Findings)+1)
	if d.OK() {
		lines = append(lines, "The pair works.")
	}
	for _, f := range d.Findings {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

func (d *Diagnosis) add(f Finding) { d.Findings = append(d.Findings, f) }
