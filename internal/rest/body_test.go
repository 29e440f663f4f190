package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoticesBeforeJSON(t *testing.T) {
	t.Parallel()
	const notice = "<br />\n<b>Warning</b>:  Undefined array key \"nope\" in <b>/var/www/x.php</b> on line <b>16</b><br />\n"
	for _, c := range []struct {
		name, body, want, cut string // want "": no JSON
	}{
		{"clean", `{"a":1}`, `{"a":1}`, ""},
		{"white space", " \r\n[1]\n", " \r\n[1]\n", ""},
		{"scalar", `4711`, `4711`, ""},
		{"true", `true`, `true`, ""},
		{"byte order mark", "\ufeff{}", `{}`, "\ufeff"},
		{"two byte order marks", "\ufeff\ufeff[]", `[]`, "\ufeff\ufeff"},
		{"byte order mark before a scalar", "\ufeff4711", `4711`, "\ufeff"},
		{"PHP notice", notice + `[{"id":568}]`, `[{"id":568}]`, notice},
		{"notice that quotes brackets", "Warning: key [0] {x} in a.php\n{\"a\":[1]}", `{"a":[1]}`, "Warning: key [0] {x} in a.php\n"},
		{"byte order mark and notice", "\ufeff" + notice + `{}`, `{}`, "\ufeff" + notice},
		{"notice and cut object", notice + `{"id":1,"lines":[1,2]`, "", ""},
		{"notice and cut list", notice + `[{"id":1},{"id":2}`, "", ""},
		{"cut object", `{"id":1,"lines":[1,2]`, "", ""},
		{"notice alone", notice, "", ""},
		{"notice after", `{"a":1}` + notice, "", ""},
		{"empty", "", "", ""},
		{"white space only", " \n", "", ""},
		{"byte order mark only", "\ufeff", "", ""},
		{"far behind", strings.Repeat("x", headMax) + `{}`, "", ""},
		{"many brackets", strings.Repeat("[0] ", guesses+1) + `{}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				do := func(k Kind) (*Response, error) {
					return client(t, script(answer{status: 200, body: c.body, header: map[string]string{"Content-Type": "application/json"}})).
						Do(t.Context(), call(k))
				}
				got, err := do(Read)
				if c.want == "" {
					require.Equal(t, NotJSON, failure(t, err).Class)
				} else {
					require.NoError(t, err)
					require.Equal(t, c.want, string(got.Body))
					require.Equal(t, head([]byte(c.cut), cutMax), got.Cut)
				}
				for _, k := range []Kind{Write, Effect} {
					_, err := do(k)
					if c.want == c.body && c.want != "" {
						require.NoError(t, err)
						continue
					}
					f := failure(t, err)
					require.Equal(t, NotJSON, f.Class)
					require.Equal(t, k == Effect, f.Ambiguous)
				}
			})
		})
	}
}

// TestNoticeDeclaredAsHTML: PHP that has already printed cannot set the content type any more.
func TestNoticeDeclaredAsHTML(t *testing.T) {
	t.Parallel()
	noticed := answer{status: 200, body: "<br />\n<b>Warning</b>: x<br />\n{}", header: map[string]string{"Content-Type": "text/html"}}
	got, err := client(t, script(noticed)).Do(t.Context(), call(Read))
	require.NoError(t, err)
	require.Equal(t, `{}`, string(got.Body))
	_, err = client(t, script(noticed)).Do(t.Context(), call(Effect))
	require.Equal(t, NotJSON, failure(t, err).Class)
}

func FuzzFindJSON(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "\ufeff[]", "<b>Warning</b>: [0]\n{\"a\":[1,2]}", `x{"a":[1]`, `"[]`, "{\x00[]", "[[[["} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		at, err := findJSON(body, true)
		if err == nil && !json.Valid(body[at:]) {
			t.Fatalf("%q: at %d stands no JSON", body, at)
		}
		if err == nil && at > 0 && json.Valid(body) {
			t.Fatalf("%q: %d bytes of good JSON were cut off", body, at)
		}
		if strict, err := findJSON(body, false); (err == nil) != json.Valid(body) || strict != 0 {
			t.Fatalf("%q: strict %d, %v", body, strict, err)
		}
		// A cut-off value must not be taken for one of its inner ones.
		if json.Valid(body) && len(body) > 1 && (body[0] == '{' || body[0] == '[') {
			trimmed := bytes.TrimRight(body, " \t\r\n")
			if at, err := findJSON(trimmed[:len(trimmed)-1], true); err == nil {
				t.Fatalf("%q: cut off, and taken for %q", body, trimmed[at:len(trimmed)-1])
			}
		}
	})
}

func TestEmptyAndRawAnswers(t *testing.T) {
	t.Parallel()
	pdf := answer{status: 200, body: "%PDF-1.7 {", header: map[string]string{"Content-Type": "application/pdf"}}
	for _, c := range []struct {
		name   string
		answer answer
		raw    bool
		ok     bool
	}{
		{"204", answer{status: 204}, false, true},
		{"205", answer{status: 205}, false, true},
		{"empty 200", answer{status: 200}, false, false},
		{"empty 200, raw", answer{status: 200}, true, true},
		{"empty 202, raw", answer{status: 202}, true, true},
		{"PDF", pdf, false, false},
		{"PDF, raw", pdf, true, true},
		{"byte order mark, raw", answer{status: 200, body: "\ufeffa;b"}, true, true},
		{"page, raw", answer{status: 200, body: "<!DOCTYPE html><title>Log in</title>"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one := call(Effect)
			one.Raw = c.raw
			got, err := client(t, script(c.answer)).Do(t.Context(), one)
			if !c.ok {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.answer.status, got.Status)
			require.Equal(t, c.answer.body, string(got.Body))
		})
	}
	head := call(Read)
	head.Method = http.MethodHead
	_, err := client(t, script(answer{status: 200, header: map[string]string{"Content-Type": "text/html"}})).Do(t.Context(), head)
	require.NoError(t, err)
}

// TestMaxBody: the cap counts what would lie in memory, also of a zipped answer and of one that lies about its length.
func TestMaxBody(t *testing.T) {
	t.Parallel()
	const limit = 10_000
	list := func(n int) string { return "[" + strings.Repeat(" ", n-2) + "]" }
	var handler http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.URL.Query().Get("n"), &n)
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Query().Get("how") {
		case "gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, list(n))
			_ = z.Close()
		case "length":
			w.Header().Set("Content-Length", fmt.Sprint(n))
			_, _ = io.WriteString(w, list(n))
		default:
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, list(n))
		}
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	base, err := url.Parse(s.URL)
	require.NoError(t, err)
	core := client(t, nil, func(c *Config) { c.Base, c.MaxBody, c.HTTPClient = base, limit, s.Client() })
	for _, how := range []string{"gzip", "length", "chunked"} {
		for n, ok := range map[int]bool{limit: true, limit + 1: false, 5_000_000: false} {
			one := call(Read)
			one.Query = url.Values{"how": {how}, "n": {fmt.Sprint(n)}}
			got, err := core.Do(t.Context(), one)
			if ok {
				require.NoError(t, err)
				require.Len(t, got.Body, n)
				continue
			}
			f := failure(t, err)
			require.Equal(t, TooLarge, f.Class, "%s %d", how, n)
			require.LessOrEqual(t, len(f.Body), headMax)
			require.Contains(t, f.Error(), "more than 10000 bytes")
		}
	}
}

// TestBodiesDoNotShareMemory: a Body is the caller's until Release, and a Failure's for ever.
func TestBodiesDoNotShareMemory(t *testing.T) {
	t.Parallel()
	core := client(t, &echo{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				one := call(Effect)
				one.Body = fmt.Appendf(nil, `{"g":%d,"i":%d,"pad":%q}`, g, i, strings.Repeat("x", i))
				bad := one
				bad.Header = http.Header{"Want": {"400"}}
				_, err := core.Do(t.Context(), bad)
				got, _ := core.Do(t.Context(), one)
				var f *Failure
				if assert.ErrorAs(t, err, &f) && assert.NotNil(t, got) {
					assert.Equal(t, string(one.Body), string(got.Body))
					assert.Equal(t, string(one.Body), string(f.Body))
				}
				if i%2 == 0 {
					got.Release()
					assert.Nil(t, got.Body)
					got.Release() // twice is harmless
				}
			}
		})
	}
	wg.Wait()
}

// echo answers with what it was sent.
type echo struct{}

func (echo) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	status := 200
	if req.Header.Get("Want") == "400" {
		status = 400
	}
	return answer{status: status, body: string(b)}.response(req), err
}

// TestReleaseSavesMemory: a page of orders costs its size once, not once per request.
func TestReleaseSavesMemory(t *testing.T) { //nolint:paralleltest // it counts all memory
	if raceDetector {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties pools
	core := client(t, still(answer{status: 200, body: "[" + strings.Repeat(" ", 360_000) + "]"}))
	perCall := func(release bool) int {
		const n = 50
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			got, err := core.Do(t.Context(), call(Read))
			require.NoError(t, err)
			if release {
				got.Release()
			}
		}
		runtime.ReadMemStats(&after)
		return int(after.TotalAlloc-before.TotalAlloc) / n
	}
	require.Less(t, perCall(true), 60_000)
	require.Greater(t, perCall(false), 360_000)
}

// still gives one answer for ever, and keeps no record.
type still answer

func (s still) RoundTrip(req *http.Request) (*http.Response, error) {
	return answer(s).response(req), nil
}
