package main

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tillwire/tillwire/hmacauth"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/woo"
)

// Metrics turns what Tillwire's packages tell into OpenTelemetry instruments. Attributes are chosen so that their values stay few:
// kinds, states, operations, status codes; never keys, ids or addresses.
type Metrics struct {
	meter metric.Meter

	attempts, requests          metric.Int64Counter
	lag, work, latency, waiting metric.Float64Histogram
}

// seconds are the bounds of the histograms: from a quick request to a night's wait.
var seconds = metric.WithExplicitBucketBoundaries(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3600, 28800)

// NewMetrics makes the instruments.
func NewMetrics(meter metric.Meter) (*Metrics, error) {
	m := &Metrics{meter: meter}
	var errs [6]error
	m.attempts, errs[0] = meter.Int64Counter("tillwire.queue.attempts", metric.WithDescription("Attempts that have ended, by what the job became."))
	m.lag, errs[1] = meter.Float64Histogram("tillwire.queue.lag", metric.WithUnit("s"), seconds,
		metric.WithDescription("How long after a job was first due its first attempt began."))
	m.work, errs[2] = meter.Float64Histogram("tillwire.queue.work", metric.WithUnit("s"), seconds, metric.WithDescription("How long attempts took."))
	m.requests, errs[3] = meter.Int64Counter("tillwire.client.requests", metric.WithDescription("Requests that went out, repeats included."))
	m.latency, errs[4] = meter.Float64Histogram("tillwire.client.latency", metric.WithUnit("s"), seconds,
		metric.WithDescription("How long calls took, without waiting."))
	m.waiting, errs[5] = meter.Float64Histogram("tillwire.client.wait", metric.WithUnit("s"), seconds,
		metric.WithDescription("How long calls waited: for the limiter, a busy host, and before repeats."))
	return m, errors.Join(errs[:]...)
}

// Attempt is for retryqueue.Config.Observe.
func (m *Metrics) Attempt(o retryqueue.Observation) {
	ctx, kind := context.Background(), attribute.String("kind", o.Kind)
	m.attempts.Add(ctx, 1, metric.WithAttributes(kind, attribute.String("state", string(o.State))))
	m.work.Record(ctx, o.Took.Seconds(), metric.WithAttributes(kind))
	if o.Attempt == 1 && !o.ByHand {
		m.lag.Record(ctx, o.Lag.Seconds(), metric.WithAttributes(kind))
	}
}

// Call is for Config.Observe of any of the four clients.
func (m *Metrics) Call(ctx context.Context, o woo.Observation) {
	op := metric.WithAttributes(attribute.String("system", o.System), attribute.String("op", o.Op))
	m.requests.Add(ctx, int64(o.Attempts), op, metric.WithAttributes(attribute.Int("status", o.Status), attribute.Bool("failed", o.Err != nil)))
	m.latency.Record(ctx, (o.Took - o.Waited).Seconds(), op)
	m.waiting.Record(ctx, o.Waited.Seconds(), op)
}

// Queue shows how many jobs of each kind are in each state, asked of the store whenever the metrics are read. Failed is the number that
// wants an alarm.
func (m *Metrics) Queue(q *retryqueue.Queue) error {
	_, err := m.meter.Int64ObservableGauge("tillwire.queue.jobs", metric.WithDescription("Jobs by state."),
		metric.WithInt64Callback(func(ctx context.Context, at metric.Int64Observer) error {
			for _, kind := range q.Kinds() {
				found, err := q.List(ctx, retryqueue.Query{Kinds: []string{kind}, Count: true, Limit: 1})
				if err != nil {
					return err
				}
				for state, n := range found.ByState {
					at.Observe(int64(n), metric.WithAttributes(attribute.String("kind", kind), attribute.String("state", string(state))))
				}
			}
			return nil
		}))
	return err
}

// Signatures shows what a verifier let in and why it refused the rest.
func (m *Metrics) Signatures(name string, v *hmacauth.Verifier) error {
	_, err := m.meter.Int64ObservableCounter("tillwire.signatures", metric.WithDescription("Signed requests by outcome."),
		metric.WithInt64Callback(func(_ context.Context, at metric.Int64Observer) error {
			of, outcome := attribute.String("verifier", name), func(s string) attribute.KeyValue { return attribute.String("outcome", s) }
			stats := v.Stats()
			at.Observe(stats.Accepted, metric.WithAttributes(of, outcome("accepted")))
			for why, n := range stats.Refused {
				at.Observe(n, metric.WithAttributes(of, outcome(string(why))))
			}
			return nil
		}))
	return err
}
