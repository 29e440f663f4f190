package transactions

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// maxShown is how much of a payload or result a page shows, in bytes. The JSON twin has all of it.
const maxShown = 64 << 10

// jobPage is one job, as template and as JSON.
type jobPage struct {
	frame `json:"-"`
	transaction

	Group   string          `json:"group,omitempty"`
	Warning string          `json:"warning,omitempty"` // to be read before it is sent again
	Masked  bool            `json:"masked"`            // personal data is hidden in payload and result
	Payload json.RawMessage `json:"payload,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	History []attempt       `json:"history"` // the newest first
}

type attempt struct {
	N     int       `json:"n"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Error string    `json:"error,omitempty"`
}

// Took is how long the attempt was under way.
func (a attempt) Took() string {
	d := a.End.Sub(a.Start)
	switch {
	case d < 0:
		return "–"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func (s *screen) job(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if id != plain(id, maxID) {
		s.missing(w, r)
		return
	}
	found, err := s.queue.List(r.Context(), retryqueue.Query{IDs: []retryqueue.ID{retryqueue.ID(id)}, History: true})
	if err != nil {
		s.away(w, r, err)
		return
	}
	if len(found.Records) == 0 {
		s.missing(w, r)
		return
	}
	rec := found.Records[0]
	page := jobPage{
		transaction: s.transaction(rec, s.permissions(r)), Group: rec.Group, Masked: !s.may(r, ViewPersonal),
		Payload: rec.Payload, Result: rec.Result, History: []attempt{},
	}
	page.frame = s.frame("../", page.Label)
	page.Notice = readNotice(r.URL.Query().Get("notice"))
	page.Warning = page.warning
	if page.Masked {
		page.Payload, page.Result = s.masked(rec.Kind, rec.Payload), s.masked(rec.Kind, rec.Result)
	}
	page.Payload, page.Result = sound(page.Payload), sound(page.Result)
	for _, a := range slices.Backward(rec.History) {
		page.History = append(page.History, attempt{a.N, a.Start, a.End, a.Error})
	}
	s.answer(w, r, http.StatusOK, "job", page)
}

func (s *screen) masked(kind string, raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	return s.mask(kind, raw)
}

// sound is JSON whatever was stored: what is none is quoted.
func sound(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || json.Valid(raw) {
		return raw
	}
	return text(strings.ToValidUTF8(string(raw), "�"))
}

// Pretty is JSON for people, cut where it is very long.
func (p jobPage) Pretty(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return strings.ToValidUTF8(string(raw), "�")
	}
	if out.Len() > maxShown {
		return strings.ToValidUTF8(out.String()[:maxShown], "") + "\n… cut here; the JSON of this page has all of it"
	}
	return out.String()
}
