package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	reset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

// TestWhatIsSentAgain is the table of the package: for each failure, how often a Read or Write and an Effect go out, and
// whether the Effect is ambiguous.
func TestWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	status := func(code int) answer { return answer{status: code, body: `{"code":"x"}`} }
	html := func(code int, body string) answer {
		return answer{status: code, body: "<!DOCTYPE html><html>" + body, header: map[string]string{"Content-Type": "text/html"}}
	}
	cut := answer{status: 200, read: io.MultiReader(strings.NewReader(`{"id":`), iotest.ErrReader(io.ErrUnexpectedEOF))}
	const challenge = `<title>Just a moment...</title><script src="/cdn-cgi/challenge-platform/x">`
	for _, c := range []struct {
		name      string
		answer    answer
		repeats   int // requests of a Read or a Write
		effects   int // requests of an Effect
		ambiguous bool
		class     Class
	}{
		{"400", status(400), 1, 1, false, Status},
		{"401", status(401), 1, 1, false, Status},
		{"403", status(403), 1, 1, false, Status},
		{"404", status(404), 1, 1, false, Status},
		{"408", status(408), 4, 1, true, Status},
		{"409", status(409), 1, 1, false, Status},
		{"425", status(425), 4, 1, true, Status},
		{"429", status(429), 4, 4, false, Status},
		{"500 once", status(500), 2, 1, true, Status},
		{"501", status(501), 1, 1, true, Status},
		{"502", status(502), 4, 1, true, Status},
		{"503", status(503), 4, 1, true, Status},
		{"504", status(504), 4, 1, true, Status},
		{"508", status(508), 4, 1, true, Status},
		{"520", status(520), 4, 1, true, Status},
		{"524", status(524), 4, 1, true, Status},
		{"530", status(530), 1, 1, true, Status},
		{"304", status(304), 1, 1, false, Status},
		{"connection refused", answer{err: refused}, 4, 4, false, Transport},
		{"host name unknown", answer{err: &net.DNSError{Err: "no such host", Name: "shop.example", IsNotFound: true}}, 4, 4, false, Transport},
		{"reset", answer{err: reset}, 4, 1, true, Transport},
		{"end of file", answer{err: io.EOF}, 4, 1, true, Transport},
		{"time-out of a try", answer{err: context.DeadlineExceeded}, 4, 1, true, Transport},
		{"error of an unknown round tripper", answer{err: errors.New("odd")}, 4, 1, true, Transport},
		{"wrong scheme", answer{err: http.ErrSchemeMismatch}, 1, 1, true, Transport},
		{"empty 200", answer{status: 200}, 2, 1, true, NotJSON},
		{"garbage 200", answer{status: 200, body: "ok"}, 2, 1, true, NotJSON},
		{"JSON cut by PHP", answer{status: 201, body: `{"id":12,"lines":[{"id":1}`}, 2, 1, true, NotJSON},
		{"notice and cut JSON", answer{status: 200, body: `<b>Warning</b> {"id":12,"lines":[1,2]`}, 2, 1, true, NotJSON},
		{"answer cut off", cut, 2, 1, true, NotJSON},
		{"HTML 200", html(200, "<title>Log In</title>"), 1, 1, true, Page},
		{"maintenance 200", html(200, "Briefly unavailable for scheduled maintenance."), 4, 1, true, Page},
		{"HTML 403", html(403, ""), 1, 1, false, Page},
		{"HTML 404", html(404, "<title>Not found</title>"), 1, 1, false, Page},
		{"HTML 502", html(502, "<p>nginx</p>"), 4, 1, true, Page},
		{"challenge 503", html(503, challenge), 1, 1, true, Page},
		{"challenge 429", html(429, challenge), 4, 4, false, Page},
		{"too large", answer{status: 200, body: "[" + strings.Repeat(" ", 2000) + "]"}, 1, 1, true, TooLarge},
	} {
		for kind, want := range map[Kind]int{Read: c.repeats, Write: c.repeats, Effect: c.effects} {
			t.Run(fmt.Sprintf("%s/%d", c.name, kind), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					rt := script(c.answer)
					if c.answer.read != nil { // a reader serves once
						rt = script(c.answer, answer{status: 200, body: `{"id":`})
					}
					_, err := client(t, rt, func(c *Config) { c.MaxBody = 1000 }).Do(t.Context(), call(kind))
					f := failure(t, err)
					require.Equal(t, want, rt.count(), "requests")
					require.Equal(t, want, f.Attempts)
					require.Equal(t, kind == Effect && c.ambiguous, f.Ambiguous, "ambiguous")
					require.Equal(t, c.class, f.Class, f.Error())
				})
			})
		}
	}
}

// TestDivisibleEndsWhereLessWouldHelp: what the size of a call may have caused is the caller's to divide; all else is repeated as ever.
func TestDivisibleEndsWhereLessWouldHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer answer
		tries  int
	}{
		{"408", answer{status: 408}, 1}, {"500", answer{status: 500}, 1}, {"504", answer{status: 504}, 1}, {"524", answer{status: 524}, 1},
		{"time-out", answer{err: context.DeadlineExceeded}, 1}, {"broken", answer{status: 200, body: `{"update":[`}, 1},
		{"429", answer{status: 429}, 4}, {"502", answer{status: 502}, 4}, {"503", answer{status: 503}, 4}, {"reset", answer{err: reset}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := script(c.answer)
				divisible := call(Write)
				divisible.Divisible = true
				_, err := client(t, rt).Do(t.Context(), divisible)
				require.Equal(t, c.tries, failure(t, err).Attempts)
				require.Equal(t, c.name == "time-out", TimedOut(failure(t, err).Err))
			})
		})
	}
}

func TestSucceedsAfterRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := script(answer{err: reset}, answer{status: 502}, answer{status: 500}, answer{status: 200, body: `{"id":1}`})
		c := call(Write)
		got, err := client(t, rt).Do(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, 4, got.Attempts)
		require.JSONEq(t, `{"id":1}`, string(got.Body))
		require.Equal(t, []string{`{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":1}`}, rt.body, "each try carries the whole body")
	})
}

// TestLastAnswerIsKept: retryablehttp itself would drain it and say "giving up".
func TestLastAnswerIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := `{"n":3,"x":"` + strings.Repeat("y", 100<<10)
		rt := script(answer{status: 503, body: `{"n":1}`}, answer{status: 503, body: `{"n":2}`},
			answer{status: 503, body: long, header: map[string]string{"X-Try": "3"}})
		_, err := client(t, rt, func(c *Config) { c.MaxTries = 3 }).Do(t.Context(), call(Read))
		f := failure(t, err)
		require.Equal(t, 503, f.Status)
		require.Equal(t, 3, f.Attempts)
		require.Equal(t, "3", f.Header.Get("X-Try"))
		require.Equal(t, long[:64<<10], string(f.Body))
	})
}

func TestNothingAndFinal(t *testing.T) {
	t.Parallel()
	lock := answer{status: 500, body: `{"response":{"description":"Another web request is currently being processed"}}`}
	business := answer{status: 500, body: `{"response":{"description":"Error nr: 1 #noDocumentsFound - nothing"}}`}
	for _, c := range []struct {
		name      string
		answer    answer
		kind      Kind
		sent      int
		ambiguous bool
	}{
		{"nothing was done", lock, Effect, 2, false},
		{"a final answer to an Effect", business, Effect, 1, false},
		{"a final answer to a Read", business, Read, 1, false},
		{"another 503", answer{status: 503, body: `{}`}, Effect, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := script(c.answer)
				one := call(c.kind)
				one.Final = func(status int, body []byte) bool {
					return status == 500 && strings.Contains(string(body), "Error nr:")
				}
				one.Nothing = func(status int, body []byte) bool {
					return one.Final(status, body) || strings.Contains(string(body), "Another web request")
				}
				_, err := client(t, rt).Do(t.Context(), one)
				f := failure(t, err)
				require.Equal(t, c.sent, rt.count())
				require.Equal(t, c.ambiguous, f.Ambiguous)
			})
		})
	}
}

func TestPassing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f    Failure
		want bool
	}{
		{Failure{Class: Status, Status: 503}, true},
		{Failure{Class: Status, Status: 404}, false},
		{Failure{Class: Page, Status: 503, Page: pageCloudflare}, false},
		{Failure{Class: Page, Status: 503, Page: pageMaintenance}, true},
		{Failure{Class: Page, Status: 500, Page: pageDatabase}, true},
		{Failure{Class: Transport, Err: redacted(reset)}, true},
		{Failure{Class: Transport, Err: redacted(http.ErrSchemeMismatch)}, false},
		{Failure{Class: NotJSON, Status: 200}, true},
		{Failure{Class: Redirect, Status: 301}, false},
		{Failure{Class: TooLarge, Status: 200}, false},
		{Failure{Class: Ended}, true},
		{Failure{Class: Refused}, false},
		{Failure{Class: Refused, Status: 429, RetryAfter: time.Minute}, true},
	} {
		require.Equal(t, c.want, c.f.Passing(), c.f.Error())
	}
}

// TestCallerIsLeftAlone: traps of retryablehttp and net/http that would show in the caller's own client.
func TestCallerIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := &idle{answers: script(answer{status: 400, body: `{}`}, answer{err: reset})}
		own := &http.Client{Transport: rt}
		c := client(t, nil, func(c *Config) { c.HTTPClient = own })
		for range 3 {
			_, err := c.Do(t.Context(), call(Effect))
			require.Error(t, err)
		}
		require.Zero(t, rt.closed, "idle connections were closed")
		require.Same(t, rt, own.Transport)
		require.Nil(t, own.CheckRedirect)
	})
}

type idle struct {
	*answers
	closed int
}

func (i *idle) CloseIdleConnections() { i.closed++ }
