package kledotest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/tillwire/tillwire/kledo"
)

// RunTokenStore checks an implementation of [kledo.TokenStore]. fresh makes an empty store and returns how a process opens it:
// each call of open stands for another process. A store that serves one process only returns the same value each time.
func RunTokenStore(t *testing.T, fresh func(t *testing.T) (open func() kledo.TokenStore)) {
	for name, check := range map[string]func(t *testing.T, open func() kledo.TokenStore){
		"Load/2 nothing stored":              loadsNothing,
		"Load/1 what any process stored":     loadsTheLast,
		"Load/3 changes nothing":             loadChangesNothing,
		"Swap/1 one of many wins":            oneSwapWins,
		"Swap/2 another key changes nothing": swapComparesWhole,
		"Swap/2 empty is nothing":            swapFromEmpty,
		"Swap/4 an ended context":            swapWithEndedContext,
		"keys of any bytes":                  keysOfAnyBytes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, fresh(t))
		})
	}
}

func load(t *testing.T, s kledo.TokenStore) string {
	t.Helper()
	key, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return key
}

func swap(t *testing.T, s kledo.TokenStore, from, to string) bool {
	t.Helper()
	ok, err := s.Swap(t.Context(), from, to)
	if err != nil {
		t.Fatalf("Swap: %v", err)
	}
	return ok
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func loadsNothing(t *testing.T, open func() kledo.TokenStore) {
	expect(t, "Load of an empty store", load(t, open()), "")
}

func loadsTheLast(t *testing.T, open func() kledo.TokenStore) {
	a, b := open(), open()
	expect(t, "first Swap", swap(t, a, "", "one"), true)
	expect(t, "Load by another process", load(t, b), "one")
	expect(t, "Swap by another process", swap(t, b, "one", "two"), true)
	expect(t, "Load by the first process, which must not answer from a cache", load(t, a), "two")
	expect(t, "Load by a process that starts now", load(t, open()), "two")
}

func loadChangesNothing(t *testing.T, open func() kledo.TokenStore) {
	s := open()
	load(t, s)
	expect(t, "Swap from empty after a Load", swap(t, s, "", "one"), true)
	load(t, s)
	expect(t, "Swap after a Load", swap(t, s, "one", "two"), true)
}

func oneSwapWins(t *testing.T, open func() kledo.TokenStore) {
	expect(t, "first Swap", swap(t, open(), "", "start"), true)
	from := "start"
	for round := range 5 {
		var group sync.WaitGroup
		won := make(chan string, 16)
		for n := range 16 {
			s, to := open(), fmt.Sprintf("round %d key %d", round, n)
			group.Go(func() {
				ok, err := s.Swap(t.Context(), from, to)
				if err != nil {
					t.Errorf("Swap: %v", err)
				}
				if ok {
					won <- to
				}
			})
		}
		group.Wait()
		close(won)
		if len(won) != 1 {
			t.Fatalf("%d of 16 Swaps from one key answered true, want 1", len(won))
		}
		winner := <-won
		expect(t, "Load after the race", load(t, open()), winner)
		from = winner
	}
}

func swapComparesWhole(t *testing.T, open func() kledo.TokenStore) {
	s := open()
	swap(t, s, "", "Key")
	for _, wrong := range []string{"", "key", "KEY", "Key ", " Key", "Ke", "Key%", "K_y"} {
		expect(t, fmt.Sprintf("Swap from %q", wrong), swap(t, s, wrong, "lost"), false)
		expect(t, "Load", load(t, s), "Key")
	}
}

func swapFromEmpty(t *testing.T, open func() kledo.TokenStore) {
	s := open()
	expect(t, "Swap from a key nobody stored", swap(t, s, "some", "other"), false)
	expect(t, "Load", load(t, s), "")
	expect(t, "Swap from empty", swap(t, s, "", "one"), true)
	expect(t, "second Swap from empty", swap(t, s, "", "two"), false)
	expect(t, "Load", load(t, s), "one")
}

func swapWithEndedContext(t *testing.T, open func() kledo.TokenStore) {
	s := open()
	swap(t, s, "", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ok, err := s.Swap(ctx, "one", "two")
	switch now := load(t, open()); {
	case err == nil && ok && now != "two":
		t.Fatal("Swap answered true and stored nothing")
	case err == nil && !ok:
		t.Fatal("Swap under an ended context answered false without an error: the caller would believe that another process has a newer key")
	case now != "one" && now != "two":
		t.Fatal("the store holds neither key")
	}
}

func keysOfAnyBytes(t *testing.T, open func() kledo.TokenStore) {
	s := open()
	from := ""
	for _, key := range []string{
		"kledo_pat_0000MC_AbC123", "eyJ0eXAiOiJKV1Qi.a-b_c~d+e/f=", `'; drop table tokens; --"\`, "žluťoučký 键", longKey(),
	} {
		expect(t, "Swap", swap(t, s, from, key), true)
		if got := load(t, open()); got != key {
			t.Fatalf("Load returned another key than was stored (%d bytes, want %d)", len(got), len(key))
		}
		from = key
	}
}

// longKey is as long as an OAuth token may be.
func longKey() string {
	b := make([]byte, 2000)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}
