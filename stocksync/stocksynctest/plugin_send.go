package stocksynctest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// send delivers an event; a failure is retried by the store's table.
func (r *php) send(peer Pairing, e event, attempt int) {
	p := r.p
	hook := sendToMaster
	if p.config.Master {
		hook = pushToStore
	}
	out := e
	if p.config.Generation == 2 {
		out = maps.Clone(e)
		out["delivery_attempt"] = attempt + 1
	}
	status, _, err := p.post(r.ctx, peer, "event", []byte(out.json()), p.patience(8*time.Second))
	if err != nil || status < 200 || status > 299 {
		p.retry(hook, peer, e, attempt, fmt.Sprint("HTTP ", status, " ", err))
	}
}

// patience is how long the store waits for an answer.
func (p *Plugin) patience(d time.Duration) time.Duration {
	if p.config.Cured.ShortTimeouts {
		return 5 * time.Minute
	}
	return d
}

// post makes a signed request. Redirects are followed as WordPress does: five times, with the same signature, to wherever they point.
func (p *Plugin) post(ctx context.Context, peer Pairing, endpoint string, body []byte, timeout time.Duration) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.mu.Lock()
	for _, current := range p.options.pairs {
		if current.ID == peer.ID {
			peer = current
		}
	}
	nonce := strings.ReplaceAll(p.nextID(), "-", "")[16:]
	p.mu.Unlock()
	n := p.note(Request{Out: true, Peer: peer.ID, Endpoint: endpoint, Body: string(body)})
	stamp := strconv.FormatInt(p.now().Unix(), 10)
	agent := "WordPress/7.1; http://" + p.config.ID
	if endpoint == "event" {
		agent = "KitgenixStockSync/" + version1
		if p.config.Generation == 2 {
			agent = "KitgenixStockSync/" + version2
		}
	}
	method, url := http.MethodPost, strings.TrimSuffix(peer.URL, "/")+"/wp-json"+namespace+"/"+endpoint
	for hop := 0; ; hop++ {
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(string(body)))
		if err != nil {
			return 0, nil, err
		}
		req.Header.Set("User-Agent", agent)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(headerStore, p.config.ID)
		req.Header.Set(headerTime, stamp)
		req.Header.Set(headerNonce, nonce)
		req.Header.Set(headerSignature, sign(peer.Secret, stamp, nonce, body))
		resp, err := p.own.Do(req)
		if err != nil {
			return 0, nil, err
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return 0, nil, err
		}
		p.settle(n, resp.StatusCode, string(answer))
		location, redirect := resp.Location()
		if redirect != nil || resp.StatusCode < 300 || resp.StatusCode > 399 || hop == 5 || p.config.Cured.FollowsRedirects {
			return resp.StatusCode, answer, nil
		}
		url = location.String()
		if resp.StatusCode == http.StatusFound || resp.StatusCode == http.StatusSeeOther {
			method = http.MethodGet // with the body and the signature all the same
		}
	}
}

// Ping asks a peer whether it is there, as the connection test does.
func (p *Plugin) Ping(ctx context.Context, peer string) error {
	for _, o := range p.peers() {
		if o.ID != peer {
			continue
		}
		status, answer, err := p.post(ctx, o, "ping", []byte(`{"ping":true}`), p.patience(8*time.Second))
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("stocksynctest: ping answered %d %s", status, answer)
		}
		p.mu.Lock()
		p.health[peer] = err == nil
		p.mu.Unlock()
		return err
	}
	return fmt.Errorf("stocksynctest: %s has no peer %q", p.config.ID, peer)
}

// PingAll pings every peer.
func (p *Plugin) PingAll(ctx context.Context) {
	for _, peer := range p.peers() {
		_ = p.Ping(ctx, peer.ID) // Healthy tells
	}
}
