//go:build race

package sqlstock_test

// The race detector makes everything several times slower: one shorter history of each store must do.
const (
	underRace = true
	slower    = 4
)
