package kitgenix

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// lockout answers 429 in place of 401 to addresses that fail again and again, as the plugin does: 20 failures within 10 minutes,
// for 15 minutes. Unlike the plugin's it neither counts by the claimed store, which others could use up in its name, nor stands in
// the way of a request with a right signature.
type lockout struct {
	mu    sync.Mutex
	byIP  map[string]*failures
	swept time.Time
}

type failures struct {
	count  int
	last   time.Time
	locked time.Time // until then
}

const (
	lockAfter   = 20
	lockWindow  = 10 * time.Minute
	lockFor     = 15 * time.Minute
	lockEntries = 10_000
)

// failed counts a failure and returns how long the address is locked, 0 if it is not.
func (l *lockout) failed(ip string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	f := l.byIP[ip]
	if f == nil {
		if len(l.byIP) >= lockEntries { // the lock protects nothing but the log: better to forget than to grow
			clear(l.byIP)
		}
		f = &failures{}
		l.byIP[ip] = f
	}
	if f.locked.After(now) {
		return f.locked.Sub(now)
	}
	if now.Sub(f.last) > lockWindow {
		f.count = 0
	}
	f.count, f.last = f.count+1, now
	if f.count <= lockAfter {
		return 0
	}
	f.count, f.locked = 0, now.Add(lockFor)
	return lockFor
}

// passed forgets the failures of an address that had the key.
func (l *lockout) passed(ip string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byIP, ip)
}

func (l *lockout) sweep(now time.Time) {
	if l.byIP == nil {
		l.byIP = map[string]*failures{}
	}
	if now.Sub(l.swept) < lockWindow {
		return
	}
	l.swept = now
	for ip, f := range l.byIP {
		if now.Sub(f.last) > lockWindow && now.After(f.locked) {
			delete(l.byIP, ip)
		}
	}
}

// remoteIP is the caller's address; of IPv6 the network of 64 bits, since who has one address there has them all.
func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Unmap().Is4() {
		return host
	}
	network, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}
