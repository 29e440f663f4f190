package stocksync

import (
	"context"
	"errors"
	"time"

	"github.com/shopspring/decimal"
)

// ErrKnown means that a ledger line of a [Commit] is in the ledger already: what it stands for was done before, and nothing was
// changed now.
var ErrKnown = errors.New("stocksync: known to the ledger")

// Store keeps an authority's rows, its ledger, the outbox and the event log. [NewMemoryStore] keeps them in memory, package sqlstock
// in the host's database; stocksynctest has the suite that each must pass. All methods are safe for many goroutines and processes,
// return ctx's error when ctx ends, keep times to the microsecond and give them back in UTC.
type Store interface {
	// Resolve finds products.
	//  1. It must return, for each ref in order, the GIDs of all rows that match: the row with its GID if there is one; else, the
	//     rows with its OldSKU when that is set and matches any; else those with its SKU.
	//  2. SKUs must be compared as [SKU.Fold] has them, so that a duplicate shows; an empty SKU matches nothing.
	Resolve(ctx context.Context, refs []Ref) ([][]GID, error)

	// Update changes rows.
	//  1. It must lock the rows, also those that do not exist yet, against every other Update until it ends, in an order that cannot
	//     deadlock, and call change with them in the order of gids; nil where there is none. What change gets is its own copy.
	//  2. It must commit rows, ledger and outbox of the Commit together and durably, or nothing; an error of change changes nothing and
	//     is returned.
	//  3. If a ledger line's (Store, Source) is known, or comes twice, it must change nothing and return ErrKnown; also when change
	//     returns an error with the Commit: what was done is done, whatever is to be said now.
	//  4. It may call change again after a conflict in the database; change has no other effect than its answer.
	//  5. A row with a version lower than the stored one must change nothing and be an error.
	//  6. A Push must replace the outbox row of its (Peer, GID) if its version is higher, which takes it from who leased it, and else
	//     change nothing.
	//  7. A Done must remove the outbox row only if its Token is the live one and its version is the row's; with an empty Token
	//     whatever its version: a person discarded it. One that does not match changes nothing and is no error.
	//  8. A Later must put the outbox row off until its time, counted as a try with its error, if its Token is the live one; an empty
	//     Token makes it due at that time whoever has it, without counting: a person retries.
	//  9. change must not call the store.
	Update(ctx context.Context, gids []GID, change func(rows []*Row) (Commit, error)) error

	// Behind takes what waits for a peer.
	//  1. It must return at most n outbox rows that are due and not leased, oldest first, and lease them under new tokens.
	//  2. With lease 0 it must lease nothing and return also rows that are leased or put off: a look at the backlog.
	//  3. No row may be leased twice at a time; a lease ends by the store's clock.
	Behind(ctx context.Context, peer StoreID, n int, lease time.Duration) ([]Push, error)

	// Backlog counts what waits for each peer, and says when the next row is due.
	Backlog(ctx context.Context) (map[StoreID]Waiting, error)

	// Find lists rows after a GID, ascending, at most n. It is a look, not a lock.
	Find(ctx context.Context, after GID, n int) ([]*Row, error)

	// Log appends events, then forgets all but the newest keep of all (0: every one). It must give each an ID that rises.
	Log(ctx context.Context, events []Event, keep int) error
	// Events returns the newest events first.
	Events(ctx context.Context, q EventQuery) ([]Event, error)
}

// Historian is a store that shows its ledger: why is the stock what it is?
type Historian interface {
	// History returns the newest ledger lines of a product first, at most n (0: all).
	History(ctx context.Context, gid GID, n int) ([]Entry, error)
}

// Row is what the authority knows of one product. A store keeps it as a whole (JSON) and finds it by GID, SKU and Version.
type Row struct {
	Item
	Updated time.Time
	Seed    decimal.Decimal             // the quantity it began with: Quantity is this and all ledger deltas
	Peers   map[StoreID]*Standing       `json:",omitempty"`
	Shares  map[StoreID]decimal.Decimal `json:",omitempty"` // allocation: what each may sell, or may have sold; the rest is reserve
	Held    []Held                      `json:",omitempty"` // reports that wait for what two reads of the peer tell
	Caused  time.Time                   `json:",omitzero"`  // when a sale or a person last changed it: what swings since is a loop
	Renamed SKU                         `json:",omitzero"`  // the SKU before, while a peer has not confirmed the new one
}

// Standing is how one peer stands with one product.
type Standing struct {
	Views    []View          `json:",omitempty"` // what it was known to hold, newest first, for 26 h
	Knows    SKU             `json:",omitzero"`  // the SKU under which it was last seen to have the product
	Missed   int             `json:",omitzero"`  // pushes in a row that were accepted and not found by read-back
	Seen     *Sight          `json:",omitempty"` // the first of two reads
	Share    decimal.Decimal `json:",omitzero"`  // allocation: what it is to be shown; Row.Shares[peer] is never less
	Paid     bool            `json:",omitzero"`  // the next push is in Row.Shares already
	Conflict *Conflict       `json:",omitempty"`
	Sent     int64           `json:",omitzero"` // the highest version that was ever sent
	Proved   int64           `json:",omitzero"` // the version of the last push that a read-back showed
	Checked  time.Time       `json:",omitzero"` // the last read-back that agreed
}

// Sight is what a read of a peer showed.
type Sight struct {
	Quantity decimal.Decimal
	At       time.Time
}

// Held is a report whose effect is not known yet: an increase that nothing explains, or one that was captured about when a push
// arrived.
type Held struct {
	Entry                    // Delta is the increase; of a doubtful one it is zero
	Quantity decimal.Decimal // as reported
	Context  string          `json:",omitzero"`
	Doubt    time.Duration   `json:",omitzero"`
	Got      time.Time       `json:",omitzero"` // when it came
	// What a read has shown of it: that it was captured after the push of a version, or before that, which was written over it.
	After, Before int64 `json:",omitzero"`
}

// View is what a peer was known to hold from a moment on. A push is one from SentAt on, perhaps, and from AckedAt on, surely.
type View struct {
	Version  int64           `json:",omitzero"` // 0: the peer's own report
	Quantity decimal.Decimal // what the peer holds; with allocation or a buffer less than the authority's
	SentAt   time.Time
	AckedAt  time.Time `json:",omitzero"` // zero while in flight, or never answered
	Looked   bool      `json:",omitzero"` // never answered, and the peer was read since to see whether it arrived
}

// Commit is what an Update changes, all of it or nothing.
type Commit struct {
	Rows   []*Row  // new and changed ones
	Ledger []Entry // see Must 3 of Update
	Push   []Push  // what peers are to get, not before Due (zero: now): Token and Since are the store's to set
	Done   []Push  // what they have
	Later  []Push  // what did not go: Due and Error are set
}

// Entry is a line of the ledger: a change of one product's quantity, or why there was none.
type Entry struct {
	Store  StoreID // who reported it
	Source string  // what for, unique at the store: "event/3", "order:1042/line:7/sold"
	GID    GID
	Delta  decimal.Decimal
	Note   string    `json:",omitzero"` // why Delta is what it is: "stale", "held", "excluded", empty for a plain change
	At     time.Time // when it happened, by the reporter's corrected clock
}

// Push is an outbox row: a peer is to get a product's state at this version or a newer one.
type Push struct {
	Peer    StoreID
	GID     GID
	Version int64
	Token   string    // of the lease
	Since   time.Time // when the peer fell behind: when the row came into the outbox
	Due     time.Time // not before; zero is now
	Tries   int
	Error   string // of the last try
}

// Waiting is a peer's backlog.
type Waiting struct {
	Count int
	Next  time.Time // when the next row is due, or its lease ends; in the past when one waits now
}

// Event is a line of the event log, for people.
type Event struct {
	ID     int64
	At     time.Time
	Level  string  // "info", "warn", "error", "security"
	Peer   StoreID // empty: of no peer
	Action string  // a word to filter by: "receive", "push", "reconcile", "conflict"
	Ref    Ref
	Text   string
}

// EventQuery asks for events. Conditions add up.
type EventQuery struct {
	Before int64 // only lower ids; 0 for the newest
	Limit  int   // 0 for 100
	Peer   StoreID
	Action string
	Level  string
}
