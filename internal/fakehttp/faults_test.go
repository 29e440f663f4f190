package fakehttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// counter books each request and answers with the number of bookings.
func counter() (h http.Handler, booked *atomic.Int64) {
	booked = new(atomic.Int64)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"booked":%d}`, booked.Add(1))
	}), booked
}

func TestEachFault(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault  Fault
		status int  // 0: no answer
		effect bool // the handler ran
		broken bool // an answer began and broke off
		body   string
	}{
		{fault: None, status: 200, effect: true, body: `{"booked":1}`},
		{fault: TooMany, status: 429, body: "<html>"},
		{fault: ServerError, status: 500, body: `{"code":"own"}`},
		{fault: BadGateway, status: 502, body: "502 Bad Gateway"},
		{fault: Unavailable, status: 503, body: "maintenance"},
		{fault: Page, status: 200, body: "<!DOCTYPE html>"},
		{fault: Dropped},
		{fault: Lost, effect: true},
		{fault: Cut, status: 200, effect: true, broken: true, body: `{"book`},
		{fault: Truncated, status: 200, effect: true, body: `{"book`},
		{fault: GatewayTimeout, status: 504, effect: true, body: "504 Gateway Time-out"},
		{fault: Hang, effect: true},
	} {
		t.Run("fault="+string(tc.fault), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, booked := counter()
				in := NewInjector(h, func(f Fault) (string, string, bool) {
					return "application/json", `{"code":"own"}`, f == ServerError
				})
				in.Set(Faults{Script: func(*http.Request) Fault { return tc.fault }})
				rt := NewTransport(in)
				defer rt.Close()

				status, text, err := call(t, rt, "POST", "http://x.test/", "order", time.Minute)
				require.Equal(t, tc.status, status)
				switch {
				case tc.broken:
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				case tc.fault == Hang:
					require.ErrorIs(t, err, context.DeadlineExceeded)
				case tc.status == 0:
					require.Error(t, err)
				default:
					require.NoError(t, err)
				}
				require.Contains(t, text, tc.body)
				require.Equal(t, tc.effect, booked.Load() == 1)

				want := Stats{Requests: 1}
				if tc.fault != None {
					want.Faults = 1
				}
				if tc.effect && tc.fault != None {
					want.AnswersLost = 1
				}
				require.Equal(t, want, in.Stats())
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{0: "1", 1500 * time.Millisecond: "2", -1: ""} {
		in := NewInjector(http.NotFoundHandler(), nil)
		in.Set(Faults{RetryAfter: wait, Rate: 1, Kinds: []Fault{TooMany}})
		rt := NewTransport(in)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x.test/", nil)
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.Header.Get("Retry-After"))
		rt.Close()
	}
}

// fates sends the same requests in the order given and says which met what.
func fates(t *testing.T, seed uint64, order []int) map[int]string {
	t.Helper()
	h, _ := counter()
	in := NewInjector(h, nil)
	in.Set(Faults{Rate: .5, Seed: seed})
	rt := NewTransport(in)
	defer rt.Close()
	met := map[int]string{}
	for _, n := range order {
		for range 3 {
			before := in.Stats()
			status, _, err := call(t, rt, "POST", "http://x.test/", fmt.Sprint("order ", n), time.Minute)
			after := in.Stats()
			met[n] += fmt.Sprintln(status, err != nil, after.Faults-before.Faults, after.AnswersLost-before.AnswersLost)
		}
	}
	return met
}

func TestSeedDecidesAndOrderOfArrivalDoesNot(t *testing.T) {
	t.Parallel()
	var forth, back []int
	for i := range 40 {
		forth, back = append(forth, i), append(back, 39-i)
	}
	require.Equal(t, fates(t, 1, forth), fates(t, 1, back))
	require.NotEqual(t, fates(t, 1, forth), fates(t, 2, forth))
}

func TestRate(t *testing.T) {
	t.Parallel()
	h, booked := counter()
	in := NewInjector(h, nil)
	in.Set(Faults{Rate: .2, Seed: 7})
	rt := NewTransport(in)
	defer rt.Close()
	for i := range 1000 {
		_, _, _ = call(t, rt, "POST", "http://x.test/", fmt.Sprint(i), time.Minute)
	}
	s := in.Stats()
	require.Equal(t, 1000, s.Requests)
	require.InDelta(t, 200, s.Faults, 40)
	require.InDelta(t, 80, s.AnswersLost, 30)
	require.EqualValues(t, 1000-(s.Faults-s.AnswersLost), booked.Load())
}

func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, booked := counter()
		in := NewInjector(h, nil)
		in.Set(Faults{OutageAfter: 2, Outage: time.Minute})
		rt := NewTransport(in)
		defer rt.Close()
		get := func() int {
			status, _, _ := call(t, rt, "GET", "http://x.test/", "", time.Minute)
			return status
		}
		require.Equal(t, []int{200, 200, 503, 503}, []int{get(), get(), get(), get()})
		time.Sleep(30 * time.Second)
		require.Equal(t, 30*time.Second, in.Stats().Outage)
		require.Equal(t, 503, get())
		time.Sleep(30 * time.Second)
		require.Equal(t, 200, get())
		require.Equal(t, Stats{Requests: 6, Faults: 3, Outage: time.Minute}, in.Stats())
		require.EqualValues(t, 3, booked.Load())

		in.StartOutage(time.Hour, Dropped)
		require.Equal(t, 0, get())
		time.Sleep(time.Minute)
		in.StartOutage(0, None)
		require.Equal(t, 200, get())
		require.Equal(t, 2*time.Minute, in.Stats().Outage)
	})
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := counter()
		in := NewInjector(h, nil)
		in.Set(Faults{Latency: time.Second})
		rt := NewTransport(in)
		defer rt.Close()
		start := time.Now()
		for range 20 {
			before := time.Now()
			_, _, err := call(t, rt, "GET", "http://x.test/", "", time.Minute)
			require.NoError(t, err)
			require.GreaterOrEqual(t, time.Since(before), time.Second/2)
			require.LessOrEqual(t, time.Since(before), time.Second)
		}
		require.NotEqual(t, time.Duration(0), time.Since(start)%time.Millisecond, "each waits for a time of its own")
	})
}
