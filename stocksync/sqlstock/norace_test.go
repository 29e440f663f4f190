//go:build !race

package sqlstock_test

const (
	underRace = false
	slower    = 1
)
