package stocksynctest

// Quirks names what the plugin does that no peer would ask for. In [PluginConfig].Cured it says which of them a simulated plugin
// does not have: the zero value is the real plugin of its generation. The package documentation has a table of them.
type Quirks struct {
	NonceBeforeMAC   bool // 1: a nonce is burnt by a request with a wrong signature
	NonceRace        bool // copies of one request that arrive together may all pass
	MarkBeforeWork   bool // an event id counts as seen before its work is done
	AlwaysOK         bool // the answer to an event says nothing of its items
	Fence            bool // 2: an item with a version not above the last one applied is passed over
	FenceReset       bool // 2: a version of 0 or below is applied and becomes the last one applied
	ClonedVersion    bool // 2: a child whose products carry a master's counter sends it as a version
	ForcedManage     bool // 1: every product it touches becomes managed
	DerivedStatus    bool // the status of a managed product follows from quantity, backorders and the store's threshold
	ZeroLowStock     bool // an unset low-stock amount is sent as 0, and written by the receiver
	NegativeCache    bool // a GID that was not found is not looked for again for an hour; only with an object cache
	CaseBlind        bool // SKUs are looked up without regard to case and accents
	GIDOverwrite     bool // an unknown GID with a known SKU replaces the GID that the product has
	Debounce         bool // the second of two changes within 2 s may go unreported
	RetryTable       bool // the first retry comes after 300 s, not after 60 s
	ArgsLimit        bool // what is longer than 8000 characters never leaves the queue
	Lockout          bool // 2: 20 bad requests lock their address and the store id they claim out for 15 minutes
	JSONShapes       bool // empty maps are lists, SKUs 0, 1, 2 make a list, all-digit SKUs are numbers
	ShortTimeouts    bool // 8 s for an event, 15 s for a checkout query
	OptionRace       bool // 2: a request that began before a change of secrets writes the old ones back
	FirstContact     bool // a master that gives a product its GID reports its own write as a local change
	Echo             bool // 1: a master pushes the result to the store that reported it
	UnknownTypes     bool // a master applies an event of any type as a stock state
	ChildRename      bool // a master lets a child rename products
	StaleParent      bool // 1: an order names an inheriting variation with the quantity its parent had before
	FollowsRedirects bool // signed requests are repeated to wherever an answer points
}
