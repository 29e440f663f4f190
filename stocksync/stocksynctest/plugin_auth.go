package stocksynctest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request.
const (
	headerStore     = "X-Kitgenix-Store-Id"
	headerTime      = "X-Kitgenix-Timestamp"
	headerNonce     = "X-Kitgenix-Nonce"
	headerSignature = "X-Kitgenix-Signature"
)

// sign makes the signature of a request.
func sign(secret, timestamp, nonce string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + nonce + "\n"))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// failures counts the bad requests of an address or of a store id.
type failures struct {
	count  int
	until  time.Time // of the window, which every failure opens anew
	locked time.Time
}

// denial is why a request is not let in.
type denial struct {
	status        int
	code, message string
}

// authenticate is the receiver's check, in the order of its generation.
func (p *Plugin) authenticate(r *http.Request, body []byte) *denial {
	if p.config.Generation == 1 {
		return p.check(r, body)
	}
	who := []string{"address " + address(r), "store " + header(r, headerStore)}
	if p.locked(who) {
		return &denial{429, "kss_rate_limited", "Too many failed attempts"}
	}
	if len(body) > 2<<20 {
		return &denial{413, "kss_payload_too_large", "Request body too large"}
	}
	d := p.check(r, body)
	p.count(who, d != nil)
	if d != nil {
		return &denial{401, "kss_auth_failed", "Authentication failed"}
	}
	return nil
}

func (p *Plugin) check(r *http.Request, body []byte) *denial {
	deny := func(code, message string) *denial { return &denial{401, code, message} }
	id, stamp, nonce, signature := header(r, headerStore), header(r, headerTime), header(r, headerNonce), header(r, headerSignature)
	var secrets []string
	for _, peer := range p.peers() {
		if peer.ID == id && id != "" && peer.Secret != "" {
			secrets = append(secrets, peer.Secret)
			if time.Now().Before(peer.oldUntil) {
				secrets = append(secrets, peer.old)
			}
		}
	}
	if len(secrets) == 0 {
		return deny("kss_auth_sender", "Sender not configured")
	}
	if stamp == "" || nonce == "" || signature == "" {
		return deny("kss_auth_missing", "Missing auth headers")
	}
	if strings.Trim(stamp, "0123456789") != "" {
		return deny("kss_auth_bad_ts", "Bad timestamp")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if skew := seconds - p.now().Unix(); err != nil || skew > 300 || skew < -300 {
		return deny("kss_auth_skew", "Timestamp skew too large")
	}
	good := false
	for _, secret := range secrets {
		good = good || hmac.Equal([]byte(signature), []byte(sign(secret, stamp, nonce, body)))
	}
	burn := p.config.Generation == 1 && !p.config.Cured.NonceBeforeMAC // before it knows whether the signature is good
	if !good && !burn {
		return deny("kss_auth_sig", "Invalid signature")
	}
	if !p.first(r, id, nonce) {
		return deny("kss_auth_replay", "Replay detected")
	}
	if !good {
		return deny("kss_auth_sig", "Invalid signature")
	}
	return nil
}

// first looks for a nonce and, a moment later, stores it.
func (p *Plugin) first(r *http.Request, id, nonce string) bool {
	key := keyed(id + "\n" + nonce)
	p.mu.Lock()
	known := time.Now().Before(p.nonces[key])
	if p.config.Cured.NonceRace && !known {
		p.nonces[key] = time.Now().Add(10 * time.Minute)
	}
	p.mu.Unlock()
	if known || p.config.Cured.NonceRace {
		return !known
	}
	wait(r.Context(), p.config.NonceTime)
	p.mu.Lock()
	p.nonces[key] = time.Now().Add(10 * time.Minute)
	p.mu.Unlock()
	return true
}

func (p *Plugin) locked(who []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range who {
		if f := p.failures[name]; f != nil && time.Now().Before(f.locked) {
			return true
		}
	}
	return false
}

// count counts a bad request, or forgets the bad ones after a good one.
func (p *Plugin) count(who []string, bad bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range who {
		if !bad {
			delete(p.failures, name)
			continue
		}
		f := p.failures[name]
		if f == nil || time.Now().After(f.until) {
			f = &failures{}
			p.failures[name] = f
		}
		f.count++
		f.until = time.Now().Add(10 * time.Minute)
		if f.count >= 20 && !p.config.Cured.Lockout {
			f.locked = time.Now().Add(15 * time.Minute)
		}
	}
}

// header is a header's value; of several the last, as behind nginx and PHP-FPM.
func header(r *http.Request, name string) string {
	values := r.Header.Values(name)
	if len(values) == 0 {
		return ""
	}
	return strings.TrimSpace(values[len(values)-1])
}

// address is where a request comes from. Over Transport that is the same for all, as behind a proxy that does not tell.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
