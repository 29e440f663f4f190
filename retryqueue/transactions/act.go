package transactions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tillwire/tillwire/retryqueue"
)

const (
	maxID  = 255     // bytes of an id
	maxIDs = maxRows // jobs that one request may move
)

// deed is what a form asks for.
type deed struct {
	Act       Action
	IDs       []retryqueue.ID
	Confirmed bool
}

// readDeed reads a form or a query, and complains in a sentence for people. A row's own button says retry=<id> and leaves what else
// is selected out.
func readDeed(r *http.Request) (d deed, complaint string) {
	if r.ParseForm() != nil {
		return deed{}, "The form could not be read."
	}
	d = deed{Act: Action(r.Form.Get("act")), Confirmed: r.Form.Get("confirmed") == "yes"}
	ids := r.Form["id"]
	if one := r.Form.Get("retry"); one != "" {
		d.Act, ids = Retry, []string{one}
	}
	if _, known := possible[d.Act]; !known {
		return deed{}, "It is not clear what is to be done."
	}
	for _, id := range ids {
		if id == "" || id != plain(id, maxID) {
			return deed{}, "This is not the id of a transaction."
		}
		if !slices.Contains(d.IDs, retryqueue.ID(id)) {
			d.IDs = append(d.IDs, retryqueue.ID(id))
		}
	}
	if len(d.IDs) > maxIDs {
		return deed{}, fmt.Sprintf("At most %d transactions can be moved at once.", maxIDs)
	}
	return d, ""
}

// act retries, sends again or discards, and shows the page it was asked from.
func (s *screen) act(w http.ResponseWriter, r *http.Request) {
	d, complaint := readDeed(r)
	if complaint != "" {
		s.fail(w, r, http.StatusBadRequest, complaint)
		return
	}
	if !s.may(r, d.Act) {
		s.forbid(w, r)
		return
	}
	if d.Act != Retry && !d.Confirmed && len(d.IDs) > 0 {
		if wantsJSON(r) {
			s.fail(w, r, http.StatusConflict, "This wants confirmed=yes: see the warning of each transaction.")
			return
		}
		s.confirm(w, r)
		return
	}
	moved, err := s.move(r.Context(), d)
	if err != nil {
		s.away(w, r, err)
		return
	}
	n := notice{Act: d.Act, Asked: len(d.IDs), Moved: moved}
	if wantsJSON(r) {
		s.answer(w, r, http.StatusOK, "", n)
		return
	}
	to, query := "./", backTo(r).values()
	if r.Form.Get("from") == "job" && len(d.IDs) == 1 {
		to, query = "jobs/"+url.PathEscape(string(d.IDs[0])), url.Values{}
	}
	query.Set("notice", n.String())
	redirect(w, to, query)
}

// move does it, and answers how many jobs it was done with: those that cannot be moved any more are left out first, since the
// queue does not say how many it has refused.
func (s *screen) move(ctx context.Context, d deed) (int, error) {
	var ids []retryqueue.ID
	if len(d.IDs) > 0 {
		found, err := s.queue.List(ctx, retryqueue.Query{IDs: d.IDs, Limit: len(d.IDs)})
		if err != nil {
			return 0, err
		}
		for _, rec := range found.Records {
			if can(d.Act, rec) {
				ids = append(ids, rec.ID)
			}
		}
	}
	var err error
	switch d.Act {
	case Retry:
		err = s.queue.Retry(ctx, ids...)
	case Resend:
		err = s.queue.Resend(ctx, ids...)
	default:
		err = s.queue.Discard(ctx, ids...)
	}
	if errors.Is(err, retryqueue.ErrNotMoved) { // one of them has begun or ended since
		return -1, nil
	}
	return len(ids), err
}

// notice says what became of an act. It travels in the redirect's query as act.moved.asked, so that nobody can put words in it.
type notice struct {
	Act   Action `json:"act"`
	Asked int    `json:"asked"`
	Moved int    `json:"moved"` // negative: some, but not all
}

// String is the notice as a query has it.
func (n notice) String() string { return fmt.Sprintf("%s.%d.%d", n.Act, n.Moved, n.Asked) }

// readNotice reads what String wrote, nil if it is anything else.
func readNotice(s string) *notice {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return nil
	}
	n := &notice{Act: Action(parts[0]), Moved: within(parts[1], -1, maxIDs, -2), Asked: within(parts[2], 0, maxIDs, -1)}
	if _, known := possible[n.Act]; !known || n.Moved < -1 || n.Moved > n.Asked || n.Asked < 0 {
		return nil
	}
	return n
}

// Good reports whether all went as asked.
func (n notice) Good() bool { return n.Asked > 0 && n.Moved == n.Asked }

// Text is the notice in words.
func (n notice) Text() string {
	does := map[Action][2]string{
		Retry:   {"is tried again now. Reload to see how it went.", "are tried again now. Reload to see how they went."},
		Resend:  {"is sent again now. Reload to see how it went.", "are sent again now. Reload to see how they went."},
		Discard: {"was discarded. It is kept under Discarded.", "were discarded. They are kept under Discarded."},
	}[n.Act]
	why := "had ended, were under way or are gone."
	switch {
	case n.Asked == 0:
		return "No transaction was selected."
	case n.Moved < 0:
		return "Not all of the " + strconv.Itoa(n.Asked) + " transactions could be moved: some had begun or ended meanwhile."
	case n.Moved == 0:
		return "Nothing was done: the transactions " + why
	case n.Good() && n.Moved == 1:
		return "1 transaction " + does[0]
	case n.Good():
		return strconv.Itoa(n.Moved) + " transactions " + does[1]
	case n.Moved == 1:
		return "1 of " + strconv.Itoa(n.Asked) + " transactions " + does[0] + " The others " + why
	}
	return strconv.Itoa(n.Moved) + " of " + strconv.Itoa(n.Asked) + " transactions " + does[1] + " The others " + why
}

// confirmPage asks before a resend or a discard, as template and as JSON.
type confirmPage struct {
	frame `json:"-"`

	Act          Action      `json:"act"`
	Transactions []warned    `json:"transactions"`
	Asked        int         `json:"asked"`
	Back         string      `json:"-"` // the query to come back to
	From         string      `json:"-"` // "job": came from the job's page
	May          permissions `json:"-"`
}

type warned struct {
	transaction

	Warning string `json:"warning,omitempty"`
}

func (s *screen) confirm(w http.ResponseWriter, r *http.Request) {
	d, complaint := readDeed(r)
	if complaint != "" {
		s.fail(w, r, http.StatusBadRequest, complaint)
		return
	}
	if !s.may(r, d.Act) {
		s.forbid(w, r)
		return
	}
	page := confirmPage{
		Act: d.Act, Transactions: []warned{}, Asked: len(d.IDs), May: s.permissions(r), Back: backTo(r).values().Encode(),
	}
	if r.Form.Get("from") == "job" && len(d.IDs) == 1 {
		page.From = "job"
	}
	if len(d.IDs) > 0 {
		found, err := s.queue.List(r.Context(), retryqueue.Query{IDs: d.IDs, Limit: len(d.IDs)})
		if err != nil {
			s.away(w, r, err)
			return
		}
		for _, rec := range found.Records {
			if can(d.Act, rec) {
				t := s.transaction(rec, page.May)
				if d.Act != Resend {
					t.warning = ""
				}
				page.Transactions = append(page.Transactions, warned{t, t.warning})
			}
		}
	}
	page.frame = s.frame("", page.Question())
	s.answer(w, r, http.StatusOK, "confirm", page)
}

// Question heads the page.
func (p confirmPage) Question() string {
	what := "this transaction"
	if n := len(p.Transactions); n > 1 {
		what = "these " + strconv.Itoa(n) + " transactions"
	}
	switch {
	case len(p.Transactions) == 0:
		return "Nothing to do"
	case p.Act == Resend:
		return "Send " + what + " again?"
	case p.Act == Retry:
		return "Retry " + what + " now?"
	}
	return "Discard " + what + "?"
}

// Consequence says what will happen.
func (p confirmPage) Consequence() string {
	switch p.Act {
	case Resend:
		return "One more attempt is made at once. Whatever arrived before stays where it is, so it may then be there twice."
	case Retry:
		return "One attempt is made at once."
	}
	return "What is discarded is not sent any more. It is kept under Discarded and can be sent from there."
}

// Button is what the confirming button says.
func (p confirmPage) Button() string {
	return map[Action]string{Resend: "Send again", Retry: "Retry now", Discard: "Discard"}[p.Act]
}

// Cancel is where not confirming leads.
func (p confirmPage) Cancel() string {
	switch {
	case p.From == "job" && len(p.Transactions) == 1:
		return p.Transactions[0].Path()
	case p.Back != "":
		return "./?" + p.Back
	}
	return "./"
}
