package kitgenix

import (
	"context"
	"time"

	"github.com/tillwire/tillwire/stocksync"
)

// goSuffix marks the version of a Go service: it has the second generation's manners, and a ledger instead of a mark before the work.
const goSuffix = "+tillwire"

// version is what we answer: no plugin, but one who speaks like the second generation.
const version = "2.0.0" + goSuffix

// ping is the body of /ping. Any other JSON would do.
type ping struct {
	Ping bool `json:"ping"`
}

// pong is the answer to it. The first generation leaves out the versions.
type pong struct {
	OK            bool              `json:"ok"`
	StoreID       stocksync.StoreID `json:"store_id"`
	StoreName     string            `json:"store_name"`
	Role          stocksync.Role    `json:"role"`
	Time          int64             `json:"time"` // Unix seconds
	WCVersion     string            `json:"wc_version"`
	PluginVersion string            `json:"plugin_version"`
}

// readPong reads the answer to a ping.
func readPong(body []byte) (pong, error) {
	if err := check(body); err != nil {
		return pong{}, err
	}
	o, ok := asObject(body)
	if !ok || string(o["ok"]) != "true" {
		return pong{}, errNotOK
	}
	return pong{
		OK: true, StoreID: stocksync.StoreID(o.text("store_id")), StoreName: o.text("store_name"), Role: stocksync.Role(o.text("role")),
		Time: o.integer("time"), WCVersion: o.text("wc_version"), PluginVersion: o.text("plugin_version"),
	}, nil
}

// readPing refuses what belongs to another route: the route is not signed, so a request caught on its way there might come here.
func readPing(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	if err := check(body); err != nil {
		return &payloadError{codeBadJSON, err.Error()}
	}
	if o, _ := asObject(body); o["event_type"] != nil || o["items"] != nil {
		return badPayload("this is no ping")
	}
	return nil
}

// ping asks the peer who it is, and what time it is there.
func (c *client) ping(ctx context.Context) (stocksync.Pong, error) {
	body, err := marshal(ping{true})
	if err != nil {
		return stocksync.Pong{}, err
	}
	before := time.Now()
	res, e := c.call(ctx, "Ping", routePing, body)
	if e != nil {
		return stocksync.Pong{}, e
	}
	defer res.Release()
	after := time.Now()
	p, err := readPong(res.Body)
	if err != nil {
		return stocksync.Pong{}, c.misunderstood("Ping", routePing, res.Status, err)
	}
	if p.Time > 0 && p.Time < maxUnix {
		c.pair.clock.Observe(before, after, unix(p.Time))
	}
	c.pair.speech.note(speech(p.PluginVersion))
	offset, _, _ := c.pair.clock.Offset()
	return stocksync.Pong{
		StoreID: p.StoreID, Name: p.StoreName, Role: p.Role, Version: p.PluginVersion, Offset: offset, Took: after.Sub(before),
	}, nil
}
