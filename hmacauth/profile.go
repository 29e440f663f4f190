package hmacauth

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Profile is a way of signing: [Kitgenix], [WooWebhook], [StandardWebhooks], [RFC9421], or for verifiers [OneOf] several. The zero
// value of each is ready for use.
type Profile interface {
	scheme() (scheme, error)
}

// scheme is a profile made ready.
type scheme interface {
	traits() traits
	// present reports whether the request carries any of the profile's headers.
	present(h http.Header) bool
	// claim reads what the request says of itself. Nothing of it is believed yet. "" is success.
	claim(r *http.Request, c *claim) Reason
	// match returns the index of the key with which claim and body were signed, or -1. It tries all of them.
	match(c *claim, body []byte, keys []Key, n *counters) int
	// sign sets the headers, replacing what is there, and returns the nonce that the receiver will see.
	sign(r *http.Request, k Key, s stamp, body []byte) (nonce string, err error)
}

// traits are what differs between profiles for the pipeline.
type traits struct {
	name     string
	whole    bool   // the whole message is signed: any method may pass, but no trailer
	replays  bool   // the profile has no nonce: whatever was captured may be sent again
	authFail string // the code of the public answer
}

// stamp is what makes an attempt the only one of its kind.
type stamp struct {
	at    time.Time
	nonce string
}

// Message is what a profile signs, outside of HTTP: for queues, files and tests. The headers' text is signed as it stands.
type Message struct {
	Timestamp string // Unix seconds; Kitgenix and StandardWebhooks
	Nonce     string // Kitgenix: the nonce. StandardWebhooks: the message's id
	Body      []byte // the bytes; of RFC9421 the signature base
}

// claim is what a request says of itself.
type claim struct {
	by      scheme
	sender  string
	message Message
	nonce   string // what must not come twice
	timed   bool
	at      int64 // Unix seconds
	expires int64 // of RFC9421, else 0
	sigs    [maxSignatures][32]byte
	n       int    // how many of sigs are set
	shown   string // head of the first signature, for the log
	base    []byte
	digest  string // the Content-Digest header
	label   string // of RFC9421
	sigText string // of RFC9421, as in the header: the answer is bound to it
}

func (c *claim) reset() { *c = claim{base: c.base[:0]} }

const (
	maxSignatures = 8 // StandardWebhooks lists several while a key rotates
	maxID         = 128
	minNonce      = 8
	maxNonce      = 128
)

// Header values. None may be longer than its cap, appear twice, or hold a comma, which is what a proxy makes of two.

// one returns the only value of a header whose canonical name is given.
func one(h http.Header, name string, limit int) (string, Reason) {
	values := h[name]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", ErrMissing
	case len(values) > 1 || len(values[0]) > limit:
		return "", ErrMalformed
	}
	return values[0], ""
}

// plainText reports whether s is UTF-8 without control bytes, commas, quotes and backslashes.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == ',' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// token reports whether s is printable ASCII without comma, quotes, backslash and spaces.
func token(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ',' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// seconds reads Unix seconds in the one form there is of them: at most 11 digits, no sign, no leading zero.
func seconds(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 11 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// outside says whether at is further from now than skew, both ends allowed. All are whole seconds.
func outside(at, now, skew int64) Reason {
	switch {
	case at < now-skew:
		return ErrStale
	case at > now+skew:
		return ErrFuture
	default:
		return ""
	}
}

func formatSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// OneOf accepts a request under the first of several profiles whose headers it carries. Nothing is tried after that: a request whose
// RFC9421 headers are wrong is refused although others are right. It cannot know, though, that headers were taken away on the road:
// list a weaker profile only where it would do alone. A [Signer] cannot use it.
type OneOf []Profile

func (o OneOf) scheme() (scheme, error) {
	if len(o) == 0 {
		return nil, errorf("OneOf is empty")
	}
	var all oneOf
	for _, p := range o {
		if p == nil {
			return nil, errorf("OneOf holds nil")
		}
		s, err := p.scheme()
		if err != nil {
			return nil, err
		}
		if _, nested := s.(oneOf); nested {
			return nil, errorf("OneOf within OneOf")
		}
		all = append(all, s)
	}
	return all, nil
}

type oneOf []scheme

func (o oneOf) traits() traits {
	t := traits{whole: true, replays: true, authFail: o[0].traits().authFail}
	var names []string
	for _, s := range o {
		names = append(names, s.traits().name)
		t.whole = t.whole && s.traits().whole
		t.replays = t.replays && s.traits().replays
	}
	t.name = strings.Join(names, "|")
	return t
}

func (o oneOf) present(h http.Header) bool {
	for _, s := range o {
		if s.present(h) {
			return true
		}
	}
	return false
}

func (o oneOf) claim(r *http.Request, c *claim) Reason {
	for _, s := range o {
		if s.present(r.Header) {
			c.by = s
			return s.claim(r, c)
		}
	}
	return ErrMissing
}

func (o oneOf) match(c *claim, body []byte, keys []Key, n *counters) int {
	return c.by.match(c, body, keys, n)
}

func (o oneOf) sign(*http.Request, Key, stamp, []byte) (string, error) {
	return "", errorf("OneOf is for verifiers: a Signer needs one profile, and perhaps one beside it")
}
