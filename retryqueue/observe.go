package retryqueue

import "time"

// Observation is one attempt that has ended, see Config.Observe. Kind and State take few values and may be labels; Key may not.
type Observation struct {
	Kind    string
	Key     string
	Attempt int   // 1 at the first; an attempt by hand carries the number of the automatic one before it
	ByHand  bool  // a person asked for it
	State   State // what the job became: Succeeded, Retrying, Failed, Discarded, or Queued when it was put back
	Counted bool  // false: it was put off, or the kind was paused; the attempt does not count
	Paused  bool  // the attempt's error paused its kind
	// Lag is how long after the job was first due this attempt began: of a first attempt, how far the queue is behind.
	Lag   time.Duration
	Took  time.Duration // the attempt itself
	Error string        // empty for success
}

// tell reports an outcome to Config.Observe.
func (a *attempt) tell(o Outcome) {
	if a.queue.observe == nil {
		return
	}
	r := a.record
	a.queue.observe(Observation{
		Kind: r.Kind, Key: r.Key, Attempt: r.Attempts, ByHand: r.ByHand, State: o.State, Counted: !o.Uncounted, Paused: o.Pause > 0,
		Lag: r.Age + a.began.Sub(a.claimed), Took: time.Since(a.began), Error: o.Error,
	})
}
