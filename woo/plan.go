package woo

import "context"

// Plan is a batch that has not begun: how many requests it will take is known, none has been made. It is made by PlanCreate,
// PlanUpdate and PlanDelete of a [Collection], or by [Client.PlanStock], and runs once.
type Plan[T any] struct {
	// Progress, when set before Run, hears of each request after it was answered, one call at a time.
	Progress func(Progress)

	b *batch[T]
}

// Progress is how far a Plan has come.
type Progress struct {
	Planned  int // requests, as Plan.Requests told
	Requests int // made so far, with repeats, smaller ones after time-outs, and reads of what was done
	Done     int // items answered for, with or without an error of their own
	Total    int // items to be sent
}

// Requests is how many requests Run makes when the shop takes them as they are: none when nothing is to be done. Repeats come on
// top, and smaller requests where the shop takes fewer items than 100 at once or needs too long for them.
func (p *Plan[T]) Requests() int { return p.b.so.Planned }

// Items is how many items Run sends.
func (p *Plan[T]) Items() int { return p.b.so.Total }

// Run sends the items, several requests at once as far as Config.Concurrency and the shop allow. The results stand at the
// caller's indexes. The error is nil when each request was answered, although single items may have been refused; otherwise it is
// that of the request after which nothing more was sent.
//
// A request that the shop refuses whole or cannot finish does not take the others with it: what is too large or takes too long is
// sent in halves, what was done before a crash is read back, and the item that caused it gets the error.
func (p *Plan[T]) Run(ctx context.Context) ([]Result[T], error) {
	p.b.told = p.Progress
	return p.b.run(ctx)
}

// progress counts a request and tells of it.
func (b *batch[T]) progress(done, requests int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.so.Done += done
	b.so.Requests += requests
	if b.told != nil && requests > 0 {
		b.told(b.so)
	}
}
