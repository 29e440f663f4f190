package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/retryqueue"
)

// Find implements [retryqueue.Store]. It is one script, in whose time the server serves nobody else: see the package's
// documentation for what that costs.
func (s *Store) Find(ctx context.Context, q retryqueue.Query) (retryqueue.Found, error) {
	args, err := findArgs(q)
	if err != nil {
		return retryqueue.Found{}, fmt.Errorf("redisstore: find: %w", err)
	}
	v, err := s.run(ctx, "find", args...)
	if err != nil {
		return retryqueue.Found{}, err
	}
	var found retryqueue.Found
	a := read(v)
	found.Total = int(a.number())
	if q.Count {
		found.ByState = map[retryqueue.State]int{}
	}
	for states := a.list(); states.more(); a.fail(states.err) {
		found.ByState[retryqueue.State(states.text())] = int(states.number())
	}
	for pauses := a.list(); pauses.more(); a.fail(pauses.err) {
		found.Paused = append(found.Paused, retryqueue.KindPause{Kind: pauses.text(), Reason: pauses.text(), For: pauses.length()})
	}
	for records := a.list(); records.more(); {
		one := records.list()
		found.Records = append(found.Records, one.record())
		a.fail(one.err)
	}
	if a.err != nil {
		return retryqueue.Found{}, a.err
	}
	slices.SortFunc(found.Paused, func(a, b retryqueue.KindPause) int { return cmp.Compare(a.Kind, b.Kind) })
	return found, nil
}

func findArgs(q retryqueue.Query) ([]any, error) {
	order := cmp.Or(q.Sort, "created")
	if !slices.Contains([]string{"created", "key", "kind", "state", "next"}, order) {
		return nil, fmt.Errorf("Query.Sort %q: want created, key, kind, state or next", q.Sort)
	}
	flags := ""
	if q.Desc {
		flags += "d"
	}
	if q.History {
		flags += "h"
	}
	if q.Count {
		flags += "c"
	}
	var exact any = ""
	if q.Attempts != nil {
		exact = *q.Attempts
	}
	args := []any{
		order, flags, cmp.Or(max(0, q.Limit), 100), max(0, q.Offset), string(q.After), exact, lowerASCII(q.ErrorContains),
		instant(q.CreatedFrom), instant(q.CreatedTo), instant(q.NextFrom), instant(q.NextTo),
	}
	ids := slices.Compact(slices.Sorted(slices.Values(q.IDs)))
	passed, _ := slices.BinarySearch(ids, q.After+"\x00") // how many are not greater than After
	args = list(list(args, ids[passed:]), ids[:passed])
	return list(list(args, q.Kinds), q.States), nil
}

// list appends a list with its length before it.
func list[T ~string](args []any, values []T) []any {
	args = append(args, len(values))
	for _, v := range values {
		args = append(args, string(v))
	}
	return args
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
