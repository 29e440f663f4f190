package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/examples/internal/clitest"
)

// TestDemo: every order is credited once, although one answer in four is lost.
func TestDemo(t *testing.T) {
	t.Parallel()
	var fields map[string]int
	clitest.Demo(t, &fields)
	require.Equal(t, map[string]int{"orders": 20, "duplicates": 0}, fields)
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	clitest.WrongSettings(t, app, nil, nil, map[string]clitest.Wrong{
		"no boolean": {Args: []string{"-once=maybe"}, Want: "see -h for the flags"},
	})
}
