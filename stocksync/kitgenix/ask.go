package kitgenix

import (
	"context"
	"slices"

	"github.com/tillwire/tillwire/stocksync"
)

// read asks a route for products, in order; nil where there is none, or where the peer has another product under the SKU.
func (c *client) read(ctx context.Context, op, route string, refs []stocksync.Ref) ([]*stocksync.Stock, error) {
	answers, err := c.ask(ctx, op, route, refs)
	if err != nil {
		return nil, err
	}
	out := make([]*stocksync.Stock, len(refs))
	for i, a := range answers {
		if a != nil {
			out[i] = &a.Stock
		}
	}
	return out, nil
}

// querySize is how many products one request asks for.
const querySize = 200

func (c *client) ask(ctx context.Context, op, route string, refs []stocksync.Ref) ([]*found, error) {
	out := make([]*found, 0, len(refs))
	for part := range slices.Chunk(refs, querySize) {
		answers, err := c.askPart(ctx, op, route, part)
		if err != nil {
			return nil, err
		}
		out = append(out, answers...)
	}
	return out, nil
}

func (c *client) askPart(ctx context.Context, op, route string, refs []stocksync.Ref) ([]*found, error) {
	var q query
	skus := make([]stocksync.SKU, len(refs))
	for i, r := range refs {
		if skus[i] = trim(r.SKU); skus[i] != "" {
			q.Items = append(q.Items, queryItem{string(skus[i])})
		}
	}
	if len(q.Items) == 0 { // the routes know no GID
		return make([]*found, len(refs)), nil
	}
	body, err := marshal(q)
	if err != nil {
		return nil, err
	}
	res, e := c.call(ctx, op, route, body)
	if e != nil {
		return nil, e
	}
	defer res.Release()
	answers, err := readAnswer(res.Body, skus)
	if err != nil {
		return nil, c.misunderstood(op, route, res.Status, err)
	}
	for i, a := range answers {
		if a != nil && a.gid != "" && refs[i].GID != "" && a.gid != refs[i].GID {
			answers[i] = nil
		}
	}
	return answers, nil
}
