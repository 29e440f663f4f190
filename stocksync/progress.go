package stocksync

// Progress tells how far long work has come.
type Progress struct {
	Step        string // a word for people: "read", "push", "verify"
	Done, Total int    // products; Total is 0 while it is not known
	Requests    int    // what all of it asks of the peers, where that is known before the first request
}
