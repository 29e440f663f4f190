package transactions

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

var (
	style  = mustRead("web/style.css")
	script = mustRead("web/script.js")
	pages  = template.Must(template.New("").ParseFS(web, "web/*.html"))
	// version makes browsers that keep the style and the script ask for new ones when they have changed.
	version = func() string {
		sum := sha256.Sum256(append(bytes.Clone(style), script...))
		return hex.EncodeToString(sum[:6])
	}()
)

// mustRead reads an embedded file: it is there, or the package would not have been built.
func mustRead(name string) []byte {
	b, err := web.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return b
}

func asset(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "max-age=86400")
		_, _ = w.Write(content)
	}
}

// frame is what every page needs.
type frame struct {
	Base    string // from the page's folder to the list's: "" or "../"
	Heading string
	Title   string // the screen's
	Zone    string
	Notice  *notice

	now      time.Time
	location *time.Location
}

func (s *screen) frame(base, heading string) frame {
	now := time.Now()
	return frame{Base: base, Heading: heading, Title: s.title, Zone: now.In(s.location).Format("MST"), now: now, location: s.location}
}

// Version names the style and the script.
func (f frame) Version() string { return version }

// Stamp is a time for machines.
func (f frame) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Clock is a time for people, in the screen's location.
func (f frame) Clock(t time.Time) string { return t.In(f.location).Format("2006-01-02 15:04") }

// Ago says how long ago a time was, nothing under a minute or where it is to come.
func (f frame) Ago(t time.Time) string {
	if d := f.now.Sub(t); d >= time.Minute {
		return span(d) + " ago"
	}
	return ""
}

// In says how far off a time is, nothing under a minute or where it is past.
func (f frame) In(t time.Time) string {
	if d := t.Sub(f.now); d >= time.Minute {
		return "in " + span(d)
	}
	return ""
}

func span(d time.Duration) string {
	n, unit := d.Minutes(), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = d.Hours()/24, "day"
	case d >= 90*time.Minute:
		n, unit = d.Hours(), "hour"
	}
	whole := int(math.Round(n))
	if whole != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", whole, unit)
}

// failPage says what went wrong, as template and as JSON.
type failPage struct {
	frame `json:"-"`

	Error string `json:"error"`
}

func (s *screen) fail(w http.ResponseWriter, r *http.Request, code int, sentence string) {
	base := ""
	if strings.Count(r.URL.Path, "/") > 1 {
		base = strings.Repeat("../", strings.Count(r.URL.Path, "/")-1)
	}
	s.answer(w, r, code, "fail", failPage{frame: s.frame(base, http.StatusText(code)), Error: sentence})
}

// answer writes a page, or its JSON twin.
func (s *screen) answer(w http.ResponseWriter, r *http.Request, code int, name string, page any) {
	var out bytes.Buffer
	var err error
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		err = enc.Encode(page)
	} else {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err = pages.ExecuteTemplate(&out, name, page)
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "transactions: a page could not be written", "page", name, "error", err)
		http.Error(w, "The page could not be written.", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes())
}
