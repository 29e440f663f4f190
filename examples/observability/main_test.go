package main

import (
	"net"
	"testing"

	"github.com/tillwire/tillwire/examples/internal/clitest"
)

// TestDemo: every order arrives once, and the program itself sees that no metric is missing.
func TestDemo(t *testing.T) {
	t.Parallel()
	var fields map[string]int
	clitest.Demo(t, &fields)
	if fields["orders"] != orders || fields["duplicates"] != 0 || fields["metrics"] == 0 {
		t.Errorf("%v", fields)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	clitest.WrongSettings(t, app, nil, nil, map[string]clitest.Wrong{
		"no boolean": {Args: []string{"-once=maybe"}, Want: "see -h for the flags"},
		"no address": {Args: []string{"-listen", "9464"}, Want: `-listen "9464" is no address such as :9464`},
		"taken":      {Args: []string{"-once", "-listen", taken.Addr().String()}, Want: "address already in use"},
		"no port":    {Args: []string{"-once", "-listen", "127.0.0.1:metrics-of-nobody"}, Want: "unknown port"},
	})
}
