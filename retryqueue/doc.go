// Package retryqueue is a durable retry queue: what was accepted is done or visibly failed, across crashes and machines, and never
// silently dropped.
//
// The shortest useful program:
//
//	queue, err := retryqueue.New(retryqueue.Config{Store: jobs})             // jobs: sqlstore.Open(ctx, db, …)
//	invoices, err := retryqueue.Register(queue, retryqueue.Kind[Invoice]{Name: "invoice", Work: send, Probe: alreadyThere})
//	go queue.Run(ctx)
//	receipt, err := invoices.Enqueue(ctx, "order:1042", Invoice{…})          // durable once err is nil
//
// # States
//
//	      Enqueue
//	         │
//	         ▼       claim          success
//	      queued ──────────► running ──────► succeeded ──┐
//	         ▲  ▲  uncounted │  ▲ │  Stale               │ Latest, Forced
//	 by hand │  └────────────┤  │ └──────► discarded ────┤
//	(Retry)  │         error │  │ claim        ▲         │
//	         │               ▼  │              │ by hand │
//	         ├─────────── retrying ────────────┤         │
//	         │               │ limits spent    │         │
//	         │               ▼                 │         │
//	         └──────────── failed ─────────────┘         │
//	         ▲                                           │
//	         └───────────────────────────────────────────┘
//
// A job is known by its (Kind, Key) for ever: the queue is also the ledger of what was delivered. A second Enqueue of a key is no
// error; [Kind].Again says what it means. [Once] is for documents: a newer payload replaces one that waits or has failed, is used
// after an attempt under way only if that one does not succeed, and changes nothing after success unless [Forced]. [Latest] is for
// pushing what has changed: the newer payload always makes the job due again.
//
// # How an error is read
//
// In this order, the first match decides:
//
//  1. The attempt was cut off by the end of the drain: the job is handed back, uncounted, unsure if Work had begun.
//  2. [Snooze], [More] or [Stale], anywhere in the tree.
//  3. Ambiguous() bool, true anywhere in the tree: the job is unsure, whatever else holds. So is one whose attempt ran out of time
//     or lost its lease, and one that panicked.
//  4. The outermost error that has Permanent() bool: true fails the job at once.
//  5. The outermost that has Systemic() bool (bad key, rate limit, outage: every job of the kind would meet it): true pauses the
//     kind for RetryAfter, else 5 minutes, and the attempt does not count.
//  6. Any other error: the next attempt comes after [Kind].Schedule's delay, and not before the outermost RetryAfter()
//     time.Duration. The job fails where its attempts are used up, or where that attempt would fall after its lifetime.
//
// Error types implement these methods without importing this package; [Permanent], [Ambiguous] and [After] add them to any error.
// The text is kept as plain text of at most 500 bytes.
//
// # Counting
//
// The first attempt counts. Attempts are counted when they are claimed, so a job that kills its process ends failed too. Limits
// are 20 attempts and 48 h where neither kind nor schedule says otherwise; an attempt that was scheduled within the lifetime is
// made, however late. Time during which the kind is paused is no lifetime. An attempt by hand ([Queue.Retry]) ignores the limits and
// does not count; when it fails, a failed job stays failed and a retrying one keeps its schedule (only a permanent error fails it).
//
// # Unsure jobs
//
// An attempt whose answer was lost, or whose process died, may have had its effect. Its job is claimed unsure, and [Kind].Probe
// runs before Work: is the document there? Absence is no proof until the target has settled, so a Probe returns Snooze while
// job.UnsureFor is too short. Without a Probe, Work sees job.Unsure and decides.
//
// # Exactly one effect
//
// An effect in the host's own database is had exactly once with [Job.Do]: effect and success are one transaction, so that a crash or a
// connection that breaks at the commit leaves both or neither. An effect elsewhere is made at least once; Probe and the target's own
// idempotency keys see that it is not had twice.
//
// # Retention
//
// [Config].Keep (90 days) after a job has succeeded or was discarded, its store prunes it, where it is a [Pruner]: payload, history
// and error go. Of a kind with Once the key, the state and the result stay for ever, so that a late webhook delivers nothing twice;
// jobs of a kind with Latest are removed. Failed jobs stay as they are until a person decides.
//
// # Guarantees
//
//   - Accepted is durable, as the store is durable: [NewMemoryStore] ends with the process.
//   - One worker holds a job at a time, under a lease that is extended every third of it. Who loses it has its context cancelled,
//     and its outcome refused if another has begun.
//   - In one process an enqueued job starts within milliseconds, and a due one on time; no polling is involved. Jobs that other
//     processes enqueue are seen within [Config].Poll, or at once where the host brings a [Waker].
//   - Kinds do not take each other's workers; only kinds registered in a process are claimed by it.
//   - Outcomes are written within 5 ms of the attempt's end or when there are 100 of them, and tried again while the store is away.
//   - A kind whose attempts prove quick is claimed ahead of its workers: at most what they will begin within 50 ms, and 1,000 jobs.
//     What still waits when the kind pauses, the workers hang or Run's context ends is handed back uncounted.
//   - When Run's context ends nothing more is claimed, jobs in hand have [Config].Drain to end, the rest is handed back.
//
// # Limits
//
//   - Attempts are made at least once, not exactly once: a worker that freezes past its lease and wakes again may act beside its
//     successor. Probe and the target's own idempotency keys close the gap, [Job.Do] does for effects in the host's database.
//   - Jobs of a kind start in due order, but run side by side: use [Group] where order matters.
//   - Work must return when its context ends. One that does not loses its lease and takes one of its kind's places until it does.
//
// Tests run in virtual time with testing/synctest on the memory store; package retryqueuetest holds stores to their contract.
package retryqueue
