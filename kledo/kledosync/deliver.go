package kledosync

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// fresh is how long an order is taken to be as it was read.
const fresh = time.Minute

// progress is what a job keeps, as its result, of how far its document is.
type progress struct {
	booked             // once it is seen in Kledo
	Accepted time.Time `json:"accepted,omitzero"`  // when Kledo said yes to the last sending
	Left     []string  `json:"left,omitempty"`     // what the document does not say of the order
	Known    string    `json:"known,omitempty"`    // a refusal that stood there before the last sending, and has stood since
	GivenUp  string    `json:"given_up,omitempty"` // why the last sending is taken for not booked: a person may have it sent again at once
}

// progress reads what a job has kept.
func (s *Sync) progress(ctx context.Context, job retryqueue.Job[task]) (progress, error) {
	var p progress
	found, err := s.c.Queue.List(ctx, retryqueue.Query{IDs: []retryqueue.ID{job.ID}})
	if err != nil || len(found.Records) == 0 || len(found.Records[0].Result) == 0 {
		return p, err
	}
	return p, json.Unmarshal(found.Records[0].Result, &p)
}

// send is the Work of both kinds: unless it is there already, the document is sent, and then looked for.
func (s *Sync) send(ctx context.Context, d Document, job retryqueue.Job[task]) error {
	o := job.Payload.Order
	if o == nil {
		return permanently(errors.New("kledosync: the job holds no order"))
	}
	if job.Attempt > 1 || job.ByHand || time.Since(job.CreatedAt) > fresh {
		if err := s.lookAgain(ctx, d, job); err != nil {
			return err
		}
	}
	way := s.way(d)
	var p progress
	if job.Payload.Resend == nil { // a queue that was lost, or a plugin that died before it set its mark, must not book twice
		found, refusal, err := way.look(ctx, d, o)
		switch {
		case err != nil:
			return s.failed(ctx, d, job, before(err))
		case found != nil:
			s.log.InfoContext(ctx, "is in Kledo already", "order", o.ID, "document", d, "id", found.ID)
			return s.delivered(ctx, d, job, progress{booked: *found}, "was in Kledo already")
		}
		p.Known = refusal
	}
	s.log.InfoContext(ctx, "sending", "order", o.ID, "document", d, "attempt", job.Attempt, "by_hand", job.ByHand)
	var err error
	p.Left, err = way.send(ctx, d, o)
	if err == nil {
		p.Accepted = time.Now().UTC()
	}
	if keep := job.SetResult(p); err == nil && keep != nil {
		err = retryqueue.Ambiguous(keep)
	}
	switch {
	case err == nil:
	case job.Payload.Resend != nil && inDoubt(err):
		err = permanently(fmt.Errorf("look in Kledo whether it is there a second time before trying again: %w", err))
		return s.failed(ctx, d, job, err)
	default:
		return s.failed(ctx, d, job, err)
	}
	s.log.InfoContext(ctx, "accepted by Kledo", "order", o.ID, "document", d, "attempt", job.Attempt)
	if job.Payload.Resend != nil { // nothing tells the second document from the first
		return s.delivered(ctx, d, job, p, "was sent again by hand")
	}
	found, refusal, err := way.look(ctx, d, o)
	switch {
	case err != nil:
		s.log.DebugContext(ctx, "could not look", "order", o.ID, "document", d, "error", err)
	case found != nil:
		p.booked = *found
		return s.delivered(ctx, d, job, p, "")
	case refusal != "" && refusal != p.Known:
		return s.refused(ctx, d, job, p, refusal)
	case refusal == "":
		p.Known = ""
	}
	if err := job.SetResult(p); err != nil {
		return retryqueue.Ambiguous(err)
	}
	return retryqueue.Ambiguous(retryqueue.Snooze(nextLook(0, s.c.Settle)))
}

// refused ends a job whose document Kledo had accepted and then would not book.
func (s *Sync) refused(ctx context.Context, d Document, job retryqueue.Job[task], p progress, words string) error {
	p.GivenUp = words
	err := permanently(fmt.Errorf("kledosync: Kledo refused to book the %s: %s", d.title(), words))
	return s.failed(ctx, d, job, errors.Join(err, job.SetResult(p)))
}

// lookAgain asks the shop whether the document is still wanted, as the plugin does before each repeat.
func (s *Sync) lookAgain(ctx context.Context, d Document, job retryqueue.Job[task]) error {
	if s.c.Shop == nil {
		return nil
	}
	now, err := s.c.Shop.Orders.Get(ctx, job.Payload.Order.ID)
	switch {
	case errors.Is(err, woo.ErrNotFound) || err == nil && now.Status == woo.OrderTrash:
		return retryqueue.Stale("the order is gone from the shop")
	case err != nil:
		return fmt.Errorf("kledosync: looking whether order %d still wants its %s: %w", job.Payload.Order.ID, d.title(), err)
	case d.marked(now) && job.Payload.Resend == nil:
		return retryqueue.Stale("already synced")
	}
	return nil
}

// probe is the Probe of both kinds: is the document there that an earlier attempt may have made?
func (s *Sync) probe(ctx context.Context, d Document, job retryqueue.Job[task]) (bool, error) {
	o := job.Payload.Order
	if o == nil {
		return false, nil
	}
	if job.Payload.Resend != nil {
		if job.ByHand { // the person has looked
			return false, nil
		}
		return false, permanently(fmt.Errorf("kledosync: whether the %s was sent again is not known: look in Kledo", d.title()))
	}
	p, err := s.progress(ctx, job)
	if err != nil {
		return false, err
	}
	found, refusal, err := s.way(d).look(ctx, d, o)
	switch {
	case err != nil:
		return false, err
	case found != nil:
		s.log.InfoContext(ctx, "found in Kledo", "order", o.ID, "document", d, "id", found.ID)
		p.booked = *found
		return true, s.delivered(ctx, d, job, p, "")
	case job.ByHand && p.GivenUp != "": // the person knows that it is not booked
		return false, nil
	case refusal != "" && refusal != p.Known:
		return false, s.refused(ctx, d, job, p, refusal)
	case refusal == "":
		p.Known = ""
	}
	if wait := nextLook(job.UnsureFor, s.c.Settle); wait > 0 {
		s.log.DebugContext(ctx, "not found in Kledo yet", "order", o.ID, "document", d, "next_look", wait)
		return false, errors.Join(lookAfter(wait), job.SetResult(p))
	}
	if _, age := s.limits(); p.Accepted.IsZero() && !job.ByHand && age > 0 && job.Age > age {
		err := fmt.Errorf("kledosync: the %s was looked for until its lifetime of %s was over: it is not in Kledo", d.title(), age)
		return false, s.failed(ctx, d, job, permanently(err))
	}
	if !p.Accepted.IsZero() {
		text := fmt.Sprintf("kledosync: Kledo accepted the %s, but it is not in its books: look there before trying again", d.title())
		if refusal != "" {
			text += "; Kledo's last words on it: " + refusal
		}
		p.GivenUp = text
		return false, s.failed(ctx, d, job, errors.Join(permanently(errors.New(text)), job.SetResult(p)))
	}
	s.log.WarnContext(ctx, "not found in Kledo, sending again", "order", o.ID, "document", d, "in_doubt_for", job.UnsureFor)
	return false, nil
}

// looks are when a document in doubt is looked for, with defaultSettle.
var looks = []time.Duration{
	2 * time.Minute, 7 * time.Minute, 17 * time.Minute, 47 * time.Minute, 107 * time.Minute, 227 * time.Minute, defaultSettle,
}

// nextLook is how long to wait, when the doubt is so old, before looking again; 0 when all looks have been made.
func nextLook(age, settle time.Duration) time.Duration {
	for _, at := range looks {
		at = time.Duration(float64(at) * (float64(settle) / float64(defaultSettle)))
		if at > age {
			return at - age
		}
	}
	return 0
}

// delivered ends a job whose document is in Kledo: the job keeps which, a payment is queued where one is to be recorded, and the
// shop is told. What is queued are jobs of their own: when that fails, the document counts as in doubt, is found by the next probe, and
// they are queued then; it is never sent for it.
func (s *Sync) delivered(ctx context.Context, d Document, job retryqueue.Job[task], p progress, how string) error {
	event := "sent"
	switch {
	case job.Payload.Resend != nil:
		event = fmt.Sprintf("resent-%d", job.Payload.Resend.At.UnixNano())
	case how != "":
	case job.ByHand:
		how = "was sent by hand"
	case job.Attempt > 1:
		how = fmt.Sprintf("was sent at attempt %d", job.Attempt)
	default:
		how = "was sent"
	}
	if how == "" {
		how = "was sent again by hand"
	}
	text := fmt.Sprintf("Kledo: the %s %s.", d.title(), how)
	if len(p.Left) > 0 {
		text += " It does not have: " + strings.Join(p.Left, "; ") + "."
		s.log.InfoContext(ctx, "not all of the order could be sent", "order", job.Payload.Order.ID, "document", d, "left", p.Left)
	}
	p.Known, p.GivenUp = "", ""
	err := job.SetResult(p)
	if err == nil && d == Invoice && p.ID != 0 {
		err = s.pay(ctx, job.Payload.Order, p.ID)
	}
	if err == nil {
		err = s.note(ctx, event, note{Order: job.Payload.Order.ID, Document: d, Mark: true, Text: text})
	}
	if err != nil {
		return retryqueue.Ambiguous(fmt.Errorf("kledosync: the %s was sent, but this could not be recorded: %w", d.title(), err))
	}
	return nil
}

// failed tells the shop of a first failure and of a last one, and returns err.
func (s *Sync) failed(ctx context.Context, d Document, job retryqueue.Job[task], err error) error {
	if ctx.Err() != nil { // cut off: the queue makes something else of it
		return err
	}
	log := s.log.With("order", job.Payload.Order.ID, "document", d, "attempt", job.Attempt)
	log.WarnContext(ctx, "not sent", "error", err)
	delay := s.c.Schedule.Delay(max(1, job.Attempt))
	if inDoubt(err) {
		delay = min(delay, nextLook(0, s.c.Settle))
	}
	var event, text string
	switch last := s.lastAttempt(job, err, delay); {
	case last && job.Attempt > 1:
		event, text = "gave-up", fmt.Sprintf("Kledo: the %s was given up after %d attempts: %s", d.title(), job.Attempt, err)
	case last:
		event, text = "failed", fmt.Sprintf("Kledo: the %s was not sent and is not tried again by itself: %s", d.title(), err)
	case job.Attempt == 1 && !job.ByHand:
		event, text = "failed", fmt.Sprintf("Kledo: the %s was not sent yet and is tried again by itself: %s", d.title(), err)
	default:
		return err
	}
	if err := s.note(ctx, event, note{Order: job.Payload.Order.ID, Document: d, Text: text}); err != nil {
		log.WarnContext(ctx, "no order note", "error", err)
	}
	return err
}

// schedule lets a job in doubt be looked for soon: its delays are those of Config.Schedule, but no longer than to the first look. What
// surely was not booked waits for the whole delay: see paced.
type schedule struct {
	retryqueue.Schedule
	most time.Duration
}

func (s schedule) Delay(attempt int) time.Duration { return min(s.Schedule.Delay(attempt), s.most) }

// hurried is Config.Schedule for the queue. Its lifetime is for sending alone, see paced: a document that was accepted in the last minute,
// or by hand long after, is looked for as long as any.
func (s *Sync) hurried() retryqueue.Schedule {
	attempts, _ := s.limits()
	return retryqueue.WithLimits(schedule{s.c.Schedule, nextLook(0, s.c.Settle)}, attempts, -1)
}

// limits are those of Config.Schedule, else the queue's; negative for none.
func (s *Sync) limits() (attempts int, age time.Duration) {
	if l, ok := s.c.Schedule.(retryqueue.Limited); ok {
		attempts, age = l.Limits()
	}
	return cmp.Or(attempts, retryqueue.DefaultMaxAttempts), cmp.Or(age, retryqueue.DefaultMaxAge)
}

// paced gives an attempt that surely had no effect the delay and the lifetime of Config.Schedule.
func paced[T any](s *Sync, job retryqueue.Job[T], err error) error {
	var permanent interface{ Permanent() bool }
	var systemic interface{ Systemic() bool }
	switch {
	case err == nil, inDoubt(err), looking(err), errors.As(err, &permanent) && permanent.Permanent():
		return err
	case errors.As(err, &systemic) && systemic.Systemic(): // the whole kind pauses
		return err
	}
	delay := s.c.Schedule.Delay(max(1, job.Attempt))
	var asked interface{ RetryAfter() time.Duration }
	if errors.As(err, &asked) {
		delay = max(delay, asked.RetryAfter())
	}
	if _, age := s.limits(); !job.ByHand && age > 0 && job.Age+delay > age {
		return permanently(err)
	}
	return retryqueue.After(delay, err)
}

// lastAttempt reports whether the queue will make no further attempt by itself after err, which would be after wait.
func (s *Sync) lastAttempt(job retryqueue.Job[task], err error, wait time.Duration) bool {
	var permanent interface{ Permanent() bool }
	var systemic interface{ Systemic() bool }
	switch {
	case errors.As(err, &permanent) && permanent.Permanent():
		return true
	case errors.As(err, &systemic) && systemic.Systemic(), job.ByHand:
		return false
	}
	attempts, age := s.limits()
	return wait < 0 || attempts > 0 && job.Attempt >= attempts || age > 0 && job.Age+wait > age
}

// looking reports that err only puts a look off.
func looking(err error) bool {
	return errors.Is(err, errLook)
}

// errLook marks what look makes.
var errLook = errors.New("kledosync: it is looked for again")

// lookAfter puts the next look off.
func lookAfter(d time.Duration) error { return errors.Join(errLook, retryqueue.Snooze(d)) }

// inDoubt reports whether the document may be booked although err came back.
func inDoubt(err error) bool {
	var ambiguous interface{ Ambiguous() bool }
	return errors.As(err, &ambiguous) && ambiguous.Ambiguous()
}
