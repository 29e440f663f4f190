package hmacauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Signer signs requests. It is a value; the zero Signer returns errors.
type Signer struct {
	Profile Profile // required
	// Beside signs the same request a second time, with one nonce and time for both: RFC9421 beside Kitgenix, whose plugin passes over
	// headers that it does not know. One nonce, so that neither half of it is a request of its own.
	Beside Profile
	// Key signs; its id is our own, under which the receiver knows us. A [Key] or a [Rotation].
	Key KeySource
	// Sent, when not nil, reserves each nonce before it is sent. Give it the store of the [Verifier] that receives with the same
	// keys: then a request of ours that somebody sends back to us is a replay.
	Sent NonceStore
	// Clock, when not nil, learns from the Date of answers how far the receiver's clock is off, and corrects by it.
	Clock *Clock
	// AllowHTTP signs for http addresses too: for loopback, tests and networks that are private by other means. Default: https only.
	AllowHTTP bool
	// VerifyAnswers makes a Transport refuse successes that the receiver did not sign: see [VerifierConfig].SignAnswers. RFC9421 only, as
	// Profile or Beside. Statuses from 400 upwards are let through unsigned, since a refusal has nobody to sign it: ask [Verified].
	VerifyAnswers bool
	// MaxAnswer is the largest answer in bytes that is read to verify it. Default 2 MiB.
	MaxAnswer int64
}

// Sign sets the headers of one attempt: with a new nonce and time, whatever was there before, so it may be called again for the next.
// It reads the body and leaves an equal one, with GetBody. It does not change what the URL and the other headers say; call it last.
func (s Signer) Sign(r *http.Request) error {
	p, err := s.prepare()
	if err != nil {
		return err
	}
	body, err := takeBody(r)
	if err != nil {
		return err
	}
	if len(body) > 0 {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
		r.ContentLength = int64(len(body))
	}
	_, err = p.sign(r, body)
	return err
}

// signing is a Signer made ready.
type signing struct {
	Signer
	schemes []scheme
	answers *rfc9421
}

func (s Signer) prepare() (*signing, error) {
	if s.Profile == nil {
		return nil, errors.New("hmacauth: Signer.Profile is nil")
	}
	if s.Key == nil {
		return nil, errors.New("hmacauth: Signer.Key is nil")
	}
	p := &signing{Signer: s}
	for _, profile := range []Profile{s.Profile, s.Beside} {
		if profile == nil {
			continue
		}
		one, err := profile.scheme()
		if err != nil {
			return nil, err
		}
		if r, ok := one.(*rfc9421); ok {
			p.answers = r
		}
		p.schemes = append(p.schemes, one)
	}
	if len(p.schemes) == 2 && p.schemes[0].traits().name == p.schemes[1].traits().name {
		return nil, errors.New("hmacauth: Signer.Beside is the same profile as Profile")
	}
	if s.VerifyAnswers && p.answers == nil {
		return nil, errors.New("hmacauth: Signer.VerifyAnswers: only RFC9421 signs answers")
	}
	p.MaxAnswer = or(p.MaxAnswer, 2<<20)
	return p, nil
}

// takeBody reads the body and closes it.
func takeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if closeErr := r.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("hmacauth: reading the body to sign it: %w", err)
	}
	return body, nil
}

// sign signs r, whose body is given, and returns the key.
func (s *signing) sign(r *http.Request, body []byte) (Key, error) {
	if r.Response != nil {
		return Key{}, ErrRedirected
	}
	if r.URL.Scheme != "https" && !s.AllowHTTP {
		return Key{}, fmt.Errorf("%w: set Signer.AllowHTTP if that is meant", ErrPlain)
	}
	key := s.Key.SigningKey()
	if key.IsZero() {
		return Key{}, errors.New("hmacauth: Signer.Key is empty")
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	now := time.Now()
	st := stamp{at: s.Clock.correct(now), nonce: newNonce()}
	reserved := ""
	for _, p := range s.schemes {
		nonce, err := p.sign(r, key, st, body)
		if err != nil {
			return Key{}, err
		}
		if s.Sent == nil || nonce == "" || nonce == reserved {
			continue
		}
		if err := s.remember(r.Context(), key, nonce, now); err != nil {
			return Key{}, err
		}
		reserved = nonce
	}
	return key, nil
}

// remember notes what is about to be sent, for as long as a receiver might take it.
func (s *signing) remember(ctx context.Context, k Key, nonce string, now time.Time) error {
	fresh, err := s.Sent.Reserve(ctx, k.Fingerprint(), nonce, now.Add(2*defaultSkew+time.Minute))
	if err == nil && !fresh {
		err = ErrReplay
	}
	if err != nil {
		return fmt.Errorf("hmacauth: reserving the nonce before sending: %w", err)
	}
	return nil
}
