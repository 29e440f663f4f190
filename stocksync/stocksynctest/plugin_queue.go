package stocksynctest

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// hooks of the queue.
const (
	sendToMaster = "send_to_master"
	pushToStore  = "push_to_store"
	reconcile    = "reconcile_batch"
)

// Action is a scheduled action of the store.
type Action struct {
	Hook    string
	Peer    string
	Due     time.Time
	Attempt int // 0: the first
	Size    int // of its arguments as JSON

	event event
	run   func(*php)
}

// Backlogged is a delivery that was given up.
type Backlogged struct {
	Peer  string
	Body  string
	Error string
}

// overheads are the characters of an action's arguments beside the event, as measured.
func (p *Plugin) overhead(hook string, attempt int) int {
	n := 46
	switch {
	case hook == sendToMaster:
		n = 7
	case p.config.Generation == 1:
		n = 43
	}
	if attempt > 0 {
		n += 36
	}
	return n
}

// enqueue puts a delivery into the queue. What is too long is dropped, and nobody is told.
func (p *Plugin) enqueue(hook, peer string, e event, attempt int, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := len(e.json()) + p.overhead(hook, attempt)
	if size > 8000 && !p.config.Cured.ArgsLimit {
		p.dropped++
		return
	}
	p.queue = append(p.queue, &Action{Hook: hook, Peer: peer, Due: time.Now().Add(after), Attempt: attempt, Size: size, event: e})
}

// retryTable are the delays after the first, second… failure.
func (p *Plugin) retryTable() []time.Duration {
	table := []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour}
	if p.config.Cured.RetryTable {
		table = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour}
	}
	return table
}

// retry schedules a delivery that has failed attempt times before, or gives it up: generation 1 never does.
func (p *Plugin) retry(hook string, peer Pairing, e event, attempt int, why string) {
	table := p.retryTable()
	if attempt >= len(table) {
		if p.config.Generation == 2 {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.backlog = append(p.backlog, Backlogged{peer.ID, e.json(), why})
			return
		}
		attempt = len(table) - 1
	}
	p.enqueue(hook, peer.ID, e, attempt+1, table[attempt])
}

// RunActions runs what is due, also what becomes due by that, and returns how many actions ran.
func (p *Plugin) RunActions(ctx context.Context) int { return p.runActions(ctx, false) }

// RunAll runs every action that is scheduled now, due or not, as a person may pull it forward.
func (p *Plugin) RunAll(ctx context.Context) int { return p.runActions(ctx, true) }

func (p *Plugin) runActions(ctx context.Context, all bool) int {
	n := 0
	for ; ctx.Err() == nil; n++ {
		p.mu.Lock()
		i := slices.IndexFunc(p.queue, func(a *Action) bool { return all || !time.Now().Before(a.Due) })
		if i < 0 || all && n > 1000 {
			p.mu.Unlock()
			break
		}
		a := p.queue[i]
		p.queue = slices.Delete(p.queue, i, i+1)
		if all {
			all = slices.ContainsFunc(p.queue, func(b *Action) bool { return b != a })
		}
		p.mu.Unlock()
		p.do(ctx, func(r *php) {
			if a.run != nil {
				a.run(r)
				return
			}
			for _, peer := range p.peers() {
				if peer.ID == a.Peer {
					r.send(peer, a.event, a.Attempt)
				}
			}
		})
	}
	return n
}

// Actions are the scheduled actions, in the order in which they were scheduled.
func (p *Plugin) Actions() []Action {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Action, len(p.queue))
	for i, a := range p.queue {
		list[i] = *a
	}
	return list
}

// Dropped counts the deliveries that were too long for the queue.
func (p *Plugin) Dropped() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dropped
}

// Backlog lists the deliveries that generation 2 has given up.
func (p *Plugin) Backlog() []Backlogged {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.backlog)
}

// RetryBacklog schedules what was given up once more, under the same event ids.
func (p *Plugin) RetryBacklog() {
	p.mu.Lock()
	rows := p.backlog
	p.backlog = nil
	p.mu.Unlock()
	hook := sendToMaster
	if p.config.Master {
		hook = pushToStore
	}
	for _, row := range rows {
		var e event
		if json.Unmarshal([]byte(row.Body), &e) == nil {
			if v, err := parseJSON([]byte(row.Body)); err == nil {
				e = v.(map[string]any)
			}
			p.enqueue(hook, row.Peer, e, 0, 0)
		}
	}
}
