package retryqueue

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// ID names one job for ever. Stores make it; it sorts by the time of the first Insert.
type ID string

// State is where a job stands.
type State string

// The states of a job. Each says who moves a job in.
const (
	Queued    State = "queued"    // accepted, never tried, or put back by hand or uncounted
	Running   State = "running"   // claimed under a lease
	Retrying  State = "retrying"  // an attempt failed, another is scheduled
	Succeeded State = "succeeded" // done; with Once the row stays as the ledger of what was delivered
	Failed    State = "failed"    // given up: permanent error, attempts or lifetime spent; waits for a person
	Discarded State = "discarded" // no longer wanted: by hand, or Stale
)

// Ended reports whether a job in this state waits for nothing more: succeeded, failed or discarded.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Discarded }

// Again says what a key means that the queue knows already. The table of [Store] has every case.
type Again int

const (
	// Once is for documents: a newer payload replaces one that waits or has failed (a failed job stays failed); given while the
	// job runs it is kept aside and used only if that attempt does not succeed; once succeeded nothing changes unless Forced.
	Once Again = iota
	// Latest is for "push what has changed": the newer payload always makes the row due again, also while it runs.
	Latest
)

// The longest names a store must take, in bytes of valid UTF-8 without NUL. [Register] and [Producer.Enqueue] refuse longer ones.
const (
	MaxKind = 100 // Kind
	MaxKey  = 255 // Key, and Group
)

// MaxPayload is the longest payload that [Producer.Enqueue] accepts, in bytes of JSON. It is well within what servers take in one
// message, and a hundred times a long order; what is longer belongs into a store of the host's, and its name into the payload.
const MaxPayload = 4 << 20

// LeaseEnded is the error text of an attempt that never reported back: Claim writes it when it finds a running job's lease ended.
const LeaseEnded = "the attempt never reported back: its process died, hung or lost the store"

// Record is a job as a store keeps it.
type Record struct {
	ID                       ID
	Kind, Key, Group         string
	Payload, Result          json.RawMessage
	State                    State
	Attempts                 int           // claims that counted
	Unsure                   bool          // an earlier attempt may have had its effect
	UnsureFor                time.Duration // while Unsure: since that attempt ended or its lease was found ended
	ByHand                   bool          // put back by a person: this attempt ignores the limits and was not counted
	Lapsed                   bool          // only in Claim's answers: the claim found the lease of the attempt before ended
	Pruned                   bool          // Payload, History and LastError are gone, see Pruner
	LastError                string
	CreatedAt, NextAttemptAt time.Time     // UTC, the store's clock; next: while it runs the end of the lease, zero once it has ended
	Age                      time.Duration // since first due (Insert + Delay) or the last Reset, pauses of the kind left out; never below 0
	Lease                    Lease         // of the claim that returned this record; zero in Find's answers
	History                  []Attempt     // oldest first, at least the last 20; only when Query.History asks
}

// Attempt is one finished attempt of a job.
type Attempt struct {
	N          int // Record.Attempts while it ran
	Start, End time.Time
	Error      string // empty for success
}

// Lease is the right to settle one claimed job until a time.
type Lease struct {
	ID    ID
	Token string
	Until time.Time
}

// NewJob is a job to insert.
type NewJob struct {
	Kind, Key, Group string // an empty Key becomes the job's ID
	Payload          json.RawMessage
	Again            Again
	Forced           bool          // make a job that has ended due again, a succeeded one too
	Delay            time.Duration // first attempt not before now + Delay
}

// Receipt says what became of a NewJob.
type Receipt struct {
	ID    ID
	State State // after the Insert
	Fresh bool  // the key was not known
}

// Claim asks for due jobs.
type Claim struct {
	Kinds map[string]int // kind to how many at most
	Lease time.Duration
}

// Claimed answers a Claim.
type Claimed struct {
	Records []*Record
	Next    time.Duration // until something may be due, when fewer came than were asked for; negative: nothing waits
}

// Outcome ends one attempt.
type Outcome struct {
	Lease     Lease
	State     State         // Succeeded, Retrying, Failed, Discarded, or Queued (handed back)
	Wait      time.Duration // Retrying, Queued: due now + Wait
	Pause     time.Duration // pause the kind for at least so long, Error being the reason, in the same transaction
	Unsure    bool          // this or an earlier attempt may have had its effect
	Probed    bool          // this attempt surely had no effect (often only the Probe ran): UnsureFor goes on counting
	Reset     bool          // attempts and age start again
	Uncounted bool          // the attempt is taken back
	Error     string
	Result    json.RawMessage // nil keeps the result of an earlier attempt
}

// Query selects jobs. All its fields combine with AND; zero fields do not filter.
type Query struct {
	IDs                    []ID
	After                  ID // only jobs with a greater ID: the cursor of Queue.All
	Kinds                  []string
	States                 []State
	Attempts               *int      // exactly so many
	ErrorContains          string    // in LastError, without regard to ASCII case
	CreatedFrom, CreatedTo time.Time // from inclusive, to exclusive
	NextFrom, NextTo       time.Time // the same for NextAttemptAt; jobs that have none do not match
	Sort                   string    // "created" (default: by ID), "key", "kind", "state", "next"; see Store.Find
	Desc                   bool
	History                bool // fill Record.History
	Count                  bool // fill Total and ByState
	Limit, Offset          int  // Limit 0: 100
}

// Found answers a Query.
type Found struct {
	Records []*Record
	Total   int           // all that match, whatever Limit and Offset
	ByState map[State]int // per state, by IDs and Kinds alone, before the finer filters
	Paused  []KindPause   // every kind that is paused now, by name
}

// Move changes the state of jobs by hand.
type Move struct {
	IDs  []ID
	From []State
	To   State // Queued (due now, ByHand set), Discarded, or empty: delete
}

// KindPause keeps a kind from being claimed. For 0 resumes it. In Found, For is what is left.
type KindPause struct {
	Kind, Reason string
	For          time.Duration
}

// Store keeps jobs. Implementations pass retryqueuetest.Run, whose cases are named after the musts below. All times are the
// store's own clock's; every method is atomic per job, safe for many goroutines and processes, and returns ctx's error when ctx
// ends. What is handed in and out is copied: nobody sees a later change of the other's bytes.
//
// What Insert makes of a known key:
//
//	the job is        Once                                         Latest
//	queued, retrying  payload replaced, schedule kept              payload replaced, due at now + Delay if that is earlier
//	running           payload kept aside (Settle 3)                payload kept aside (Settle 3)
//	failed            payload replaced, stays failed               queued again, attempts and age start again
//	succeeded         nothing                                      queued again, attempts and age start again
//	discarded         nothing                                      queued again, attempts and age start again
//
// Forced makes Once behave like Latest for a job that runs or has ended. ID, CreatedAt and Group stay those of the first Insert,
// Unsure stays, and so does ByHand of a job that waits by hand.
type Store interface {
	// Insert adds jobs.
	//  1. It must be durable before it returns nil.
	//  2. It must keep (Kind, Key) unique for ever, byte for byte (case, accents and trailing spaces differ), and follow the table
	//     above for a known one; within one batch in the batch's order.
	//  3. It must answer at the job's index.
	//  4. It must keep payloads byte for byte.
	Insert(ctx context.Context, jobs []NewJob) ([]Receipt, error)

	// Claim leases due jobs: they become Running until now + Lease.
	//  1. It must give a job to one claimer, under a fresh token, with Attempts already raised; not raised when ByHand is set.
	//  2. It must also claim running jobs whose lease has ended: Unsure and Lapsed set, ByHand cleared (so Attempts is raised),
	//     UnsureFor starting at zero, LastError and an Attempt in the history saying LeaseEnded.
	//  3. It must pass over paused kinds, and over jobs whose Group holds an earlier (by ID) unfinished job or a running one, of
	//     whatever kind; only a job whose own lease has ended is claimed whatever its group holds.
	//  4. It must serve in the order of NextAttemptAt, ties by ID, at most so many of each kind.
	//  5. Next must not be later than the moment a further job of a kind asked for becomes due (a lease or a pause that ends
	//     included), when fewer of that kind came than were asked for. Jobs their group holds back do not count: what ends their
	//     forerunner is followed by a Claim.
	Claim(ctx context.Context, c Claim) (Claimed, error)

	// Settle ends attempts.
	//  1. It must change a job only under its live token, else ErrLostLease at its index and nothing else. A token lives until
	//     the job is claimed again: that the lease's time has passed does not matter while nobody did.
	//  2. It must write state, attempt, result, error and the kind's pause together. Uncounted without Error leaves history and
	//     LastError as they are. A pause never shortens a longer one.
	//  3. A newer payload kept aside must be taken: with Latest or Forced always, with Once unless the attempt Succeeded (then it
	//     is dropped). The job becomes Queued, due now + Wait, no longer ByHand; where the outcome (after rule 6) would have left
	//     it ended, due now with attempts and age starting again.
	//  4. Uncounted must take back what its claim added to Attempts (nothing when ByHand).
	//  5. Repeating an outcome before the job is claimed again is no error and changes nothing.
	//  6. An attempt by hand that ends Retrying must put back the state and NextAttemptAt from before the Move: a failed job
	//     stays failed, a retrying one keeps its old schedule; Unsure, error and history are written all the same. Uncounted it
	//     stays by hand: Queued, due now + Wait. Every other outcome clears ByHand and stands as given.
	//  7. Unsure must be kept as given; UnsureFor starts at zero unless Probed is set and the job was unsure before.
	Settle(ctx context.Context, outcomes []Outcome) ([]error, error)

	// Extend prolongs leases to now + by and reports those that are no longer held.
	//  1. It must not revive a lease whose time has passed: that one is lost.
	//  2. It must not touch a job under another token, nor one that is settled.
	Extend(ctx context.Context, leases []Lease, by time.Duration) (lost []ID, err error)

	// Find reads jobs, in one consistent read.
	//  1. It must apply every filter of Query together, and count as Found says.
	//  2. It must sort texts by their bytes, ties by ID in the same direction; "next" puts jobs without a next attempt last in
	//     both directions.
	Find(ctx context.Context, q Query) (Found, error)

	// Move changes states by hand.
	//  1. It must leave running jobs alone, and jobs that are not in one of From. To Queued it must leave pruned ones alone, too.
	//  2. To Queued it must make the job due now with ByHand set, and remember state and NextAttemptAt for Settle 6; a job that is
	//     by hand already only becomes due now. Attempts, age and Unsure stay.
	//  3. It must answer how many it moved, each ID once.
	Move(ctx context.Context, m Move) (moved int, err error)

	// Pause pauses or resumes a kind; a new pause takes the place of the old one.
	//  1. It must hold in every process from the next Claim on.
	//  2. It must leave the paused time out of every Age of the kind. (Keep per kind the sum of ended pauses; a job's age begins
	//     at its first due time less that sum, and is read against now less the sum, a running pause included.)
	Pause(ctx context.Context, p KindPause) error
}

// TxStore is an optional capability of a Store that lives in the host's SQL database.
type TxStore interface {
	// InsertTx is Insert inside tx. After the commit the host calls Queue.Wake.
	InsertTx(ctx context.Context, tx *sql.Tx, jobs []NewJob) ([]Receipt, error)
	// SettleTx is Settle inside tx.
	SettleTx(ctx context.Context, tx *sql.Tx, outcomes []Outcome) ([]error, error)
}

// Pruner is an optional capability of a Store. Without it nothing is ever forgotten; the Queue asks for it by [Config].Keep.
type Pruner interface {
	// Prune forgets what nobody will want to know any more of jobs that have succeeded or were discarded.
	//  1. It must take the kind's jobs that came into these states at least Age ago, at most Limit of them, and answer how many. All
	//     others it must leave alone: failed ones wait for a person.
	//  2. It must drop payload, history and error, and set Record.Pruned. ID, key, group, state, CreatedAt and result stay for ever,
	//     and so does what Insert makes of the key. A pruned job is not taken again.
	//  3. With Delete it must remove the job instead: its key is fresh again.
	Prune(ctx context.Context, p Prune) (pruned int, err error)
}

// Prune says what is to be forgotten.
type Prune struct {
	Kind   string
	Age    time.Duration
	Delete bool
	Limit  int
}
