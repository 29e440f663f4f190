package stocksynctest

import (
	"net"
	"net/http"
	"sync"
	"syscall"
)

// Network routes requests to stores by the host of their URL. It is an [http.RoundTripper] that plugins, wires and tests share.
type Network struct {
	mu    sync.Mutex
	hosts map[string]http.RoundTripper
	wrap  func(http.RoundTripper) http.RoundTripper
}

// NewNetwork makes a network without hosts.
func NewNetwork() *Network { return &Network{hosts: map[string]http.RoundTripper{}} }

// Join makes a host reachable, or, with a nil transport, unreachable.
func (n *Network) Join(host string, t http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = t
}

// Wrap puts something between the network and every host: faults, a recorder. Nil takes it away.
func (n *Network) Wrap(f func(http.RoundTripper) http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wrap = f
}

// RoundTrip implements [http.RoundTripper].
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	t, wrap := n.hosts[r.URL.Host], n.wrap
	n.mu.Unlock()
	if t == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED} // as where nobody listens
	}
	if wrap != nil {
		t = wrap(t)
	}
	return t.RoundTrip(r)
}
