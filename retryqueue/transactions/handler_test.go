package transactions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/transactions"
)

// list is the JSON twin of the list.
type list struct {
	Transactions []struct {
		ID, Kind, Type, Key, Label, URL, Status, State string
		Attempts                                       int
		Created                                        time.Time  `json:"created_at"`
		Next                                           *time.Time `json:"next_attempt_at"`
		LastError                                      string     `json:"last_error"`
		Pruned                                         bool
		Actions                                        []string
	}
	Total, Page, Rows int
	Counts            map[string]int
	Paused            []struct{ Kind, Reason string }
}

func (l list) keys() []string {
	keys := []string{}
	for _, t := range l.Transactions {
		keys = append(keys, t.Key)
	}
	return keys
}

// get asks for a page with a query of its own; the answer's body is read.
func get(t *testing.T, h http.Handler, target string, header ...string) (*http.Response, string) {
	t.Helper()
	return send(t, h, httptest.NewRequest(http.MethodGet, target, nil), header...)
}

// post sends a form as a page of the same origin does.
func post(t *testing.T, h http.Handler, target string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return send(t, h, r, header...)
}

func send(t *testing.T, h http.Handler, r *http.Request, header ...string) (*http.Response, string) {
	t.Helper()
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	answer := rec.Result()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func getList(t *testing.T, h http.Handler, query string) list {
	t.Helper()
	answer, body := get(t, h, "/?"+query, "Accept", "application/json")
	require.Equal(t, 200, answer.StatusCode, body)
	var l list
	require.NoError(t, json.Unmarshal([]byte(body), &l))
	return l
}

// small fills a queue with one job of each sort, at five minutes' distance, from midnight of 2000-01-01 UTC.
func small(t *testing.T) *world {
	w := newWorld(t, retryqueue.NewMemoryStore())
	w.add(w.invoices, task{OrderID: 1, Total: "10"})
	time.Sleep(5 * time.Minute)
	w.add(w.orders, task{OrderID: 2, Fails: "timed out"})
	time.Sleep(5 * time.Minute)
	w.add(w.invoices, task{OrderID: 3, Fails: longError, Permanent: true})
	time.Sleep(5 * time.Minute)
	id := w.add(w.orders, task{OrderID: 4, Fails: "order is gone", Permanent: true})
	require.NoError(t, w.queue.Discard(t.Context(), id))
	time.Sleep(5 * time.Minute)
	_, err := w.invoices.Enqueue(t.Context(), "order:5", task{OrderID: 5}, retryqueue.At(time.Now().Add(24*time.Hour)))
	require.NoError(t, err)
	return w
}

func TestConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t, retryqueue.NewMemoryStore())
	_, err := transactions.Handler(w.queue, transactions.Config{})
	require.ErrorContains(t, err, "Config.Authorize")
	_, err = transactions.Handler(nil, transactions.Config{Authorize: denying()})
	require.ErrorContains(t, err, "queue")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		h := w.handler(transactions.Config{Kinds: kinds})
		for query, keys := range map[string]string{
			"":                                    "5 3 2 1", // the newest first, nothing discarded
			"status=all":                          "5 3 2 1",
			"status=success":                      "1",
			"status=retrying":                     "5 2", // queued too
			"status=failed":                       "3",
			"status=discarded":                    "4",
			"status=nonsense":                     "5 3 2 1",
			"kind=kledo.invoice":                  "5 3 1",
			"kind=kledo.invoice&status=failed":    "3",
			"kind=other":                          "",
			"attempts=0":                          "5",
			"attempts=1":                          "3 1",
			"attempts=2":                          "2", // at 5 and 10 minutes
			"attempts=-1":                         "5 3 2 1",
			"attempts=x":                          "5 3 2 1",
			"error=ARCHIVED":                      "3", // without regard to case
			"error=timed&kind=kledo.order":        "2",
			"error=timed&kind=kledo.invoice":      "",
			"created=2000-01-01":                  "5 3 2 1",
			"created=1999-12-31":                  "",
			"created=2000-02-30":                  "5 3 2 1", // no such day: as if not given
			"created=2000-1-1":                    "5 3 2 1",
			"next=2000-01-02":                     "5",
			"next=2000-01-01":                     "2", // what has ended has no next retry
			"next=2000-01-01&status=failed":       "",
			"sort=order&order=asc":                "1 2 3 5",
			"sort=order":                          "5 3 2 1",
			"sort=type&order=asc":                 "1 3 5 2",
			"sort=status&order=asc":               "3 5 2 1",
			"sort=next&order=asc":                 "2 5 1 3", // those without come last
			"sort=next&order=desc":                "5 2 3 1",
			"sort=created&order=asc":              "1 2 3 5",
			"sort=error&order=sideways":           "5 3 2 1",
			"rows=2":                              "5 3",
			"rows=2&page=2":                       "2 1",
			"rows=2&page=3":                       "",
			"rows=3&page=0":                       "5 3 2",
			"rows=0":                              "5 3 2 1",
			"rows=1000":                           "5 3 2 1",
			"rows=1&page=2&sort=order&order=asc":  "2",
			"status=retrying&next=2000-01-02&x=y": "5",
		} {
			var want []string
			for n := range strings.FieldsSeq(keys) {
				want = append(want, "order:"+n)
			}
			l := getList(t, h, query)
			require.ElementsMatch(t, want, l.keys(), query)
			require.Equal(t, fmt.Sprint(want), fmt.Sprint(l.keys()), query)
			_, page := get(t, h, "/?"+query)
			var shown []string
			for _, m := range regexp.MustCompile(`data-key="([^"]*)"`).FindAllStringSubmatch(page, -1) {
				shown = append(shown, m[1])
			}
			require.Equal(t, want, shown, "the page of %s", query)
		}
		counts := map[string]int{"all": 4, "success": 1, "retrying": 2, "failed": 1, "discarded": 1}
		require.Equal(t, counts, getList(t, h, "status=failed&error=nowhere").Counts, "before the other filters")
		l := getList(t, h, "rows=3&page=2")
		require.Equal(t, []int{4, 2, 3}, []int{l.Total, l.Page, l.Rows})
	})
}

func TestCalendarDaysAreTheLocations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00 UTC
		jakarta := time.FixedZone("WIB", 7*3600)
		w := newWorld(t, retryqueue.NewMemoryStore())
		time.Sleep(17*time.Hour - time.Nanosecond)
		w.add(w.orders, task{OrderID: 1})
		time.Sleep(time.Nanosecond)
		w.add(w.orders, task{OrderID: 2})
		time.Sleep(24*time.Hour - time.Nanosecond)
		w.add(w.orders, task{OrderID: 3})
		time.Sleep(time.Nanosecond)
		w.add(w.orders, task{OrderID: 4, Fails: "no"})
		h := w.handler(transactions.Config{Location: jakarta})
		require.Equal(t, []string{"order:1"}, getList(t, h, "created=2000-01-01").keys())
		require.Equal(t, []string{"order:3", "order:2"}, getList(t, h, "created=2000-01-02").keys())
		require.Equal(t, []string{"order:4"}, getList(t, h, "created=2000-01-03").keys())
		require.Equal(t, []string{"order:4"}, getList(t, h, "next=2000-01-03").keys())
		require.Empty(t, getList(t, h, "next=2000-01-02").keys())
		_, page := get(t, h, "/")
		require.Contains(t, page, `<time datetime="2000-01-02T17:00:00Z">2000-01-03 00:00</time>`)
		require.Contains(t, page, "WIB")
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		require.NoError(t, w.queue.Pause(t.Context(), retryqueue.KindPause{Kind: "kledo.order", For: time.Hour, Reason: "HTTP 429"}))
		h := w.handler(transactions.Config{Kinds: kinds, Title: "Kledo"})
		_, page := get(t, h, "/")
		require.Contains(t, page, `<a href="https://shop.example/wp-admin/order=3" rel="noopener noreferrer"><bdi>#3</bdi></a>`)
		require.Contains(t, page, "Sales order</strong> rests until")
		require.Contains(t, page, "HTTP 429")
		require.Contains(t, page, "<small>20 minutes ago</small>")
		require.Contains(t, page, "<small>in 24 hours</small>")
		require.Contains(t, page, "<title>Kledo</title>")

		// The last error is cut at 120 characters, to 117 and a mark, and all of it is there to be opened.
		require.Contains(t, page, "<summary><bdi>"+longError[:117]+"…</bdi></summary>")
		require.Contains(t, page, longError)

		// What is offered is what can be done.
		l := getList(t, h, "status=all")
		for i, actions := range [][]string{{"discard"}, {"retry", "discard"}, {"retry", "discard"}, {"resend"}} {
			require.Equal(t, actions, l.Transactions[i].Actions, l.Transactions[i].Key)
		}
		require.Equal(t, []string{"resend"}, getList(t, h, "status=discarded").Transactions[0].Actions)
		require.Nil(t, l.Transactions[1].Next, "a failed job has no next retry")
		require.Len(t, l.Paused, 1)

		for query, text := range map[string]string{
			"page=9": "no page this far", "error=zzz": "No transaction matches", "status=success&attempts=5": "No transaction matches",
		} {
			_, page = get(t, h, "/?"+query)
			require.Contains(t, page, text)
		}
		_, page = get(t, newWorld(t, retryqueue.NewMemoryStore()).handler(transactions.Config{}), "/")
		require.Contains(t, page, "There are no transactions yet")
		require.Contains(t, page, `<input id="f-kind" name="kind"`, "no kind is named: it can be typed")
	})
}

// Exactly 120 characters are shown as they are, whatever their bytes.
func TestLastErrorCut(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{120: strings.Repeat("é", 120), 121: strings.Repeat("é", 117) + "…"} {
		w := newWorld(t, retryqueue.NewMemoryStore())
		w.add(w.orders, task{OrderID: 1, Fails: strings.Repeat("é", n)})
		_, page := get(t, w.handler(transactions.Config{}), "/")
		require.Contains(t, page, "<bdi>"+want+"</bdi>")
		require.Equal(t, n > 120, strings.Contains(page, `class="full"`))
	}
}

func TestPrefsAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		h := w.handler(transactions.Config{})
		answer, _ := post(t, h, "/columns", url.Values{"show": {"type", "created", "order"}, "rows": {"2"}, "back": {"status=all&error=o&page=7&evil=1"}})
		require.Equal(t, 303, answer.StatusCode)
		require.Equal(t, "./?error=o", answer.Header.Get("Location"))
		require.Len(t, answer.Cookies(), 1)
		cookie := answer.Cookies()[0]
		require.Empty(t, cookie.Path, "a path would have to know the prefix")
		require.True(t, cookie.HttpOnly)
		_, page := get(t, h, "/", "Cookie", cookie.String())
		require.Equal(t, 2, strings.Count(page, "<tr role=\"row\" data-id"))
		for column, there := range map[string]bool{"order": true, "type": true, "status": true, "created": true, "actions": true,
			"attempts": false, "next": false, "error": false} {
			require.Equal(t, there, strings.Contains(page, "c-"+column+`"`), column)
		}
		_, page = get(t, h, "/?rows=3", "Cookie", cookie.String())
		require.Equal(t, 3, strings.Count(page, "<tr role=\"row\" data-id"), "a query goes before the cookie")
		for _, bad := range []string{"x", "0.order.status", "1000.....", "-1", "25.type.type.nonsense"} {
			answer, page = get(t, h, "/", "Cookie", "tillwire_transactions="+bad)
			require.Equal(t, 200, answer.StatusCode)
			require.Contains(t, page, `scope="col" class="c-order"`)
			require.Contains(t, page, `scope="col" class="c-status"`)
			require.Equal(t, 4, strings.Count(page, "<tr role=\"row\" data-id"))
		}
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		h := w.handler(transactions.Config{})
		l := getList(t, h, "sort=order&order=asc")
		succeeded, retrying, failed := l.Transactions[0].ID, l.Transactions[1].ID, l.Transactions[2].ID

		// A row's own button leaves what else is selected out, and comes back to the same view.
		answer, body := post(t, h, "/", url.Values{"retry": {failed}, "id": {retrying}, "back": {"status=failed&rows=3"}})
		require.Equal(t, 303, answer.StatusCode, body)
		require.Equal(t, "./?notice=retry.1.1&rows=3&status=failed", answer.Header.Get("Location"))
		require.True(t, w.get(retryqueue.ID(failed)).ByHand)
		require.False(t, w.get(retryqueue.ID(retrying)).ByHand)
		_, page := get(t, h, "/?notice=retry.1.1")
		require.Contains(t, page, "1 transaction is tried again now.")

		// Retry selected: what cannot be retried is counted out, a known id counts once.
		answer, _ = post(t, h, "/", url.Values{"act": {"retry"}, "id": {succeeded, retrying, failed, "gone", retrying}})
		require.Equal(t, "./?notice=retry.1.4", answer.Header.Get("Location"))
		require.Equal(t, retryqueue.Queued, w.get(retryqueue.ID(retrying)).State)
		require.Equal(t, retryqueue.Succeeded, w.get(retryqueue.ID(succeeded)).State)
		_, page = get(t, h, "/?notice=retry.1.4")
		require.Contains(t, page, "1 of 4 transactions is tried again now.")

		answer, _ = post(t, h, "/", url.Values{"act": {"retry"}})
		require.Equal(t, "./?notice=retry.0.0", answer.Header.Get("Location"))
		answer, body = post(t, h, "/", url.Values{"act": {"retry"}, "id": {succeeded}}, "Accept", "application/json")
		require.Equal(t, 200, answer.StatusCode)
		require.JSONEq(t, `{"act":"retry","asked":1,"moved":0}`, body)

		// From a job's page back to it.
		answer, _ = post(t, h, "/", url.Values{"retry": {failed}, "from": {"job"}})
		require.Equal(t, "jobs/"+failed+"?notice=retry.0.1", answer.Header.Get("Location"))
	})
}

func TestSendAgainAndDiscardAskFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		h := w.handler(transactions.Config{})
		succeeded := getList(t, h, "status=success").Transactions[0].ID
		failed := getList(t, h, "status=failed").Transactions[0].ID
		for act, id := range map[string]string{"resend": succeeded, "discard": failed} {
			before := w.get(retryqueue.ID(id))
			answer, page := get(t, h, "/confirm?act="+act+"&id="+id+"&back=status%3Dall%26rows%3D7")
			require.Equal(t, 200, answer.StatusCode)
			require.Equal(t, act == "resend", strings.Contains(page, warning))
			require.Contains(t, page, `name="confirmed" value="yes"`)
			require.Contains(t, page, `name="back" value="rows=7"`)
			_, page = post(t, h, "/", url.Values{"act": {act}, "id": {id}}) // the page is shown, nothing done
			require.Contains(t, page, `name="confirmed" value="yes"`)
			answer, _ = post(t, h, "/", url.Values{"act": {act}, "id": {id}}, "Accept", "application/json")
			require.Equal(t, 409, answer.StatusCode)
			require.Equal(t, before, w.get(retryqueue.ID(id)))
			answer, _ = post(t, h, "/", url.Values{"act": {act}, "id": {id}, "confirmed": {"yes"}})
			require.Equal(t, "./?notice="+act+".1.1", answer.Header.Get("Location"))
		}
		require.Equal(t, retryqueue.Discarded, w.get(retryqueue.ID(failed)).State)
		job := w.get(retryqueue.ID(succeeded))
		require.True(t, job.ByHand)
		require.NoError(t, w.queue.RunDue(t.Context()))
		job = w.get(retryqueue.ID(succeeded))
		require.Equal(t, retryqueue.Succeeded, job.State)
		require.Len(t, job.History, 2)

		// What was discarded can be sent after all.
		_, _ = post(t, h, "/", url.Values{"act": {"resend"}, "id": {failed}, "confirmed": {"yes"}})
		require.Equal(t, retryqueue.Queued, w.get(retryqueue.ID(failed)).State)
		answer, page := get(t, h, "/confirm?act=resend&id="+failed)
		require.Equal(t, 200, answer.StatusCode)
		require.Contains(t, page, "Nothing to do")
	})
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, retryqueue.NewMemoryStore())
	h := w.handler(transactions.Config{})
	many := url.Values{"act": {"retry"}}
	for i := range 1000 {
		many.Add("id", fmt.Sprint(i))
	}
	for _, form := range []url.Values{
		{}, {"act": {"delete"}, "id": {"1"}}, {"act": {"view"}, "id": {"1"}}, {"act": {"retry"}, "id": {"\x00"}}, {"act": {"retry"}, "id": {""}},
		{"act": {"retry"}, "id": {strings.Repeat("x", 300)}}, {"act": {"retry"}, "id": {strings.Repeat("x", 2<<20)}}, many,
	} {
		answer, _ := post(t, h, "/", form)
		require.Equal(t, 400, answer.StatusCode)
	}
	for _, notice := range []string{"x", "retry.2.1", "retry.1", "delete.1.1", "retry.<b>.1", "retry.1.1.1", "retry.-2.1", "resend.0.99999"} {
		_, page := get(t, h, "/?notice="+url.QueryEscape(notice))
		require.NotContains(t, page, `class="notice`, notice)
	}
	for _, target := range []string{"/jobs/none", "/jobs/", "/jobs/a/b", "/nowhere", "//jobs/x", "/a/../jobs/x", "/jobs/%00"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u, err := url.Parse("http://x" + target)
		require.NoError(t, err)
		r.URL = u
		answer, body := send(t, h, r)
		require.Equal(t, 404, answer.StatusCode, target)
		require.Empty(t, answer.Header.Get("Location"), target)
		require.Contains(t, body, "There is no such transaction")
	}
}

// Each action wants its own permission, and viewing is one.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		all := w.handler(transactions.Config{})
		succeeded := getList(t, all, "status=success").Transactions[0].ID
		failed := getList(t, all, "status=failed").Transactions[0].ID
		both := func() []*retryqueue.Record {
			return []*retryqueue.Record{w.get(retryqueue.ID(succeeded)), w.get(retryqueue.ID(failed))}
		}
		before := both()
		forms := map[transactions.Action]url.Values{
			transactions.Retry:   {"act": {"retry"}, "id": {failed}},
			transactions.Resend:  {"act": {"resend"}, "id": {succeeded}, "confirmed": {"yes"}},
			transactions.Discard: {"act": {"discard"}, "id": {failed}, "confirmed": {"yes"}},
		}
		for a, form := range forms {
			for _, deny := range []transactions.Action{a, transactions.View} {
				h := w.handler(transactions.Config{}, deny)
				for _, accept := range []string{"text/html", "application/json"} {
					answer, body := post(t, h, "/", form, "Accept", accept)
					require.Equal(t, 403, answer.StatusCode, "%s without %s", a, deny)
					require.Contains(t, body, "You are not allowed")
					require.NotContains(t, body, "the secret reason")
				}
				answer, _ := get(t, h, "/confirm?"+form.Encode())
				require.Equal(t, 403, answer.StatusCode)
			}
			h := w.handler(transactions.Config{}, a)
			for _, target := range []string{"/", "/jobs/" + succeeded, "/jobs/" + failed} {
				_, page := get(t, h, target)
				require.NotContains(t, page, `name="`+string(a)+`"`)
				require.NotContains(t, page, `act=`+string(a))
				require.NotContains(t, page, `value="`+string(a)+`"`)
			}
		}
		require.Equal(t, before, both())

		none := w.handler(transactions.Config{}, transactions.View)
		for _, target := range []string{"/", "/?format=json", "/jobs/" + failed, "/jobs/none", "/confirm?act=retry&id=" + failed, "/nowhere", "//"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL, _ = url.Parse("http://x" + target)
			answer, body := send(t, none, r)
			require.Equal(t, 403, answer.StatusCode, target)
			require.NotContains(t, body, "archived")
		}
		answer, _ := post(t, none, "/columns", url.Values{"rows": {"5"}})
		require.Equal(t, 403, answer.StatusCode)
		require.Empty(t, answer.Cookies())
		answer, _ = get(t, none, "/style.css")
		require.Equal(t, 200, answer.StatusCode, "the same for everybody, and the refusal is to look well too")
		for a, form := range forms { // and with it everything goes
			answer, _ := post(t, all, "/", form)
			require.Equal(t, 303, answer.StatusCode, a)
		}
	})
}

func TestOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		h := w.handler(transactions.Config{})
		failed := getList(t, h, "status=failed").Transactions[0].ID
		form := url.Values{"act": {"retry"}, "id": {failed}}
		for _, header := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "", "Origin", "null"},
		} {
			for _, path := range []string{"/", "/columns", "/confirm"} {
				answer, body := post(t, h, path, form, header...)
				require.Equal(t, 403, answer.StatusCode, "%v %s", header, path)
				require.Contains(t, body, "another site")
			}
		}
		require.False(t, w.get(retryqueue.ID(failed)).ByHand)

		trusted := http.NewCrossOriginProtection()
		require.NoError(t, trusted.AddTrustedOrigin("https://admin.example"))
		h = w.handler(transactions.Config{CrossOrigin: trusted})
		answer, _ := post(t, h, "/", form, "Sec-Fetch-Site", "same-site", "Origin", "https://admin.example")
		require.Equal(t, 303, answer.StatusCode)
		// A program sends neither header.
		answer, _ = post(t, h, "/", form, "Sec-Fetch-Site", "")
		require.Equal(t, 303, answer.StatusCode)
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, retryqueue.NewMemoryStore())
	id := string(w.add(w.orders, task{OrderID: 1, Fails: longError}))
	h := w.handler(transactions.Config{})
	for _, target := range []string{"/", "/jobs/" + id, "/jobs/none", "/confirm?act=discard&id=" + id, "/?format=json"} {
		answer, page := get(t, h, target)
		csp := answer.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'")
		require.NotContains(t, csp, "unsafe")
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
		require.NotRegexp(t, ` on[a-z]+=| style=|<style|<script>`, page, "the policy would block it")
	}
	for accept, is := range map[string]string{
		"application/json": "application/json", "text/html,application/json": "text/html; charset=utf-8", "": "text/html; charset=utf-8",
		"image/png, application/json;q=0.5": "application/json", "*/*": "text/html; charset=utf-8",
	} {
		answer, _ := get(t, h, "/", "Accept", accept)
		require.Equal(t, is, answer.Header.Get("Content-Type"), accept)
	}
}

// Every link, form and redirect works under any prefix: all are relative, and lead where the prefix's pages are.
func TestRelativeUnderTwoPrefixes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := small(t)
		h := w.handler(transactions.Config{Kinds: kinds})
		links := regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
		for _, prefix := range []string{"/transactions", "/shop/a:b/admin", ""} {
			mux := http.NewServeMux()
			mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
			seen := map[string]bool{}
			visit := []string{prefix + "/?error=o&rows=2", prefix + "/?rows=2&page=2", prefix + "/jobs/none", prefix + "/deep/down/below"}
			for len(visit) > 0 {
				at := visit[0]
				visit = visit[1:]
				if seen[at] || len(seen) > 150 {
					continue
				}
				seen[at] = true
				answer, page := get(t, mux, at)
				if !strings.Contains(at, "none") && !strings.Contains(at, "deep") && !strings.HasSuffix(at, "/columns") {
					require.Equal(t, 200, answer.StatusCode, at)
				}
				from, err := url.Parse("http://host" + at)
				require.NoError(t, err)
				for _, m := range links.FindAllStringSubmatch(page, -1) {
					link := strings.ReplaceAll(m[1], "&amp;", "&")
					if strings.HasPrefix(link, "https://shop.example/") {
						continue
					}
					require.False(t, strings.HasPrefix(link, "/") || strings.Contains(link, "://"), "%s has %s", at, link)
					to, err := from.Parse(link)
					require.NoError(t, err)
					require.True(t, strings.HasPrefix(to.Path, prefix+"/"), "%s leads to %s", at, to)
					visit = append(visit, to.RequestURI())
				}
			}
			require.Greater(t, len(seen), 20)
			failed := getList(t, h, "status=failed").Transactions[0].ID
			require.True(t, seen[prefix+"/jobs/"+failed])
			for _, form := range []url.Values{{"act": {"retry"}}, {"retry": {failed}, "from": {"job"}}} {
				answer, _ := post(t, mux, prefix+"/", form)
				require.Equal(t, 303, answer.StatusCode)
				from, _ := url.Parse("http://host" + prefix + "/")
				to, err := from.Parse(answer.Header.Get("Location"))
				require.NoError(t, err)
				answer, _ = get(t, mux, to.RequestURI())
				require.Equal(t, 200, answer.StatusCode, to)
			}
			require.NoError(t, w.queue.RunDue(t.Context()))
		}
		// Mounted so that the slash is missing: to where it is not.
		answer, _ := get(t, http.StripPrefix("/x/a:b", h), "/x/a:b?status=failed")
		require.Equal(t, "./a:b/?status=failed", answer.Header.Get("Location"))
	})
}

func TestJobPageAndMasking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, retryqueue.NewMemoryStore())
		id := w.add(w.invoices, task{OrderID: 1042, Total: "150000.00", Fails: "HTTP 502", For: 1, Billing: &billing{"Siti Rahma", "siti@mail.example", "81234567"}})
		time.Sleep(5 * time.Minute)
		require.NoError(t, w.queue.RunDue(t.Context()))
		type job struct {
			Masked  bool
			Payload map[string]any
			Result  map[string]any
			Warning string
			History []struct {
				N     int
				Error string
			}
		}
		read := func(h http.Handler) (j job, page string) {
			_, body := get(t, h, "/jobs/"+string(id)+"?format=json")
			require.NoError(t, json.Unmarshal([]byte(body), &j))
			_, page = get(t, h, "/jobs/"+string(id))
			return j, page + body
		}
		personal := []string{"Siti", "siti@mail.example", "81234567"}
		j, page := read(w.handler(transactions.Config{}))
		require.False(t, j.Masked)
		require.Equal(t, "Siti Rahma", j.Payload["billing"].(map[string]any)["first_name"])
		for _, p := range personal {
			require.Contains(t, page, p)
		}
		require.Equal(t, warning, j.Warning)
		require.Len(t, j.History, 2)
		require.Equal(t, 2, j.History[0].N)
		require.Equal(t, "HTTP 502", j.History[1].Error)
		require.Contains(t, page, "5 minutes ago")

		j, page = read(w.handler(transactions.Config{}, transactions.ViewPersonal))
		require.True(t, j.Masked)
		require.Equal(t, map[string]any{"id": 77.0, "number": "INV-77", "contact": "•••"}, j.Result)
		require.InDelta(t, 1042, j.Payload["order_id"], 0)
		require.Equal(t, "150000.00", j.Payload["total"])
		for _, p := range personal {
			require.NotContains(t, page, p)
		}

		j, _ = read(w.handler(transactions.Config{Mask: func(kind string, _ json.RawMessage) json.RawMessage {
			return json.RawMessage(`{"of":"` + kind + `"}`)
		}}, transactions.ViewPersonal))
		require.Equal(t, map[string]any{"of": "kledo.invoice"}, j.Payload)
		_, page = read(w.handler(transactions.Config{Mask: func(string, json.RawMessage) json.RawMessage {
			return nil
		}}, transactions.ViewPersonal))
		require.Contains(t, page, "The payload is not kept any more.")
	})
}

// Nothing that a customer or a remote system sends becomes markup, a script or a link of its own.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'` + "\u202e"
	w := newWorld(t, retryqueue.NewMemoryStore())
	w.add(w.invoices, task{OrderID: 1, Label: evil, Link: "javascript:alert(3)", Fails: "& < " + strings.ReplaceAll(evil, "<", "< ") + strings.Repeat("x", 200)})
	w.add(w.invoices, task{OrderID: 2, Label: "x", Link: `https://shop.example/"onmouseover="alert(4)`})
	w.add(w.invoices, task{OrderID: 3, Label: "x", Link: "//evil.example/"})
	w.add(w.invoices, task{OrderID: 4, Label: "x", Link: "data:text/html,hi"})
	w.add(w.invoices, task{OrderID: 6, Label: "x", Link: "https:/shop.example/"})
	receipt, err := w.orders.Enqueue(t.Context(), evil, task{OrderID: 5, Label: " \t\n ", Link: "HTTPS://shop.example/ok"})
	require.NoError(t, err)
	require.NoError(t, w.queue.Pause(t.Context(), retryqueue.KindPause{Kind: "kledo.order", For: time.Hour, Reason: evil}))
	h := w.handler(transactions.Config{Title: "<T>"})
	l := getList(t, h, "sort=created&order=asc")
	pages := []string{"/", "/?error=" + url.QueryEscape(evil) + "&kind=" + url.QueryEscape(evil), "/jobs/" + string(receipt.ID), "/confirm?act=discard&id=" + string(receipt.ID)}
	for _, tx := range l.Transactions {
		pages = append(pages, "/jobs/"+tx.ID, "/confirm?act=resend&id="+tx.ID+"&back="+url.QueryEscape("error="+url.QueryEscape(evil)))
	}
	for _, target := range pages {
		answer, page := get(t, h, target)
		require.Equal(t, 200, answer.StatusCode)
		require.NotContains(t, page, "<script>")
		require.NotContains(t, page, "<img")
		require.NotContains(t, page, `"onmouseover`)
		require.NotContains(t, page, "<T>")
		require.NotRegexp(t, `(href|src|action)="(javascript|data|//|/)`, page)
	}
	links := []string{}
	for _, tx := range l.Transactions {
		links = append(links, tx.URL)
		require.NotEmpty(t, tx.Label)
		require.NotContains(t, tx.Label, "\u202e")
	}
	require.Equal(t, []string{"", "https://shop.example/%22onmouseover=%22alert%284%29", "", "", "", "https://shop.example/ok"}, links)
	answer, _ := post(t, h, "/", url.Values{"act": {"retry"}, "back": {"//evil.example/?status=failed&x=" + evil}})
	require.Equal(t, "./?notice=retry.0.0", answer.Header.Get("Location"))
}

// A store that fails shows no page half, and no reason.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, broken{retryqueue.NewMemoryStore()})
	h := w.handler(transactions.Config{})
	for _, target := range []string{"/", "/jobs/1", "/confirm?act=retry&id=1", "/?format=json"} {
		answer, body := get(t, h, target)
		require.Equal(t, 503, answer.StatusCode)
		require.Contains(t, body, "Nothing is lost")
		require.NotContains(t, body, "db.internal")
	}
	answer, _ := post(t, h, "/", url.Values{"act": {"retry"}, "id": {"1"}})
	require.Equal(t, 503, answer.StatusCode)
}

// A job that retention has pruned still says that it was delivered and with what result, and is not offered to be sent again.
func TestPrunedJob(t *testing.T) {
	t.Parallel()
	store := retryqueue.NewMemoryStore()
	w := newWorld(t, store)
	id := w.add(w.invoices, task{OrderID: 1, Label: "Siti's order"})
	pruned, err := store.(retryqueue.Pruner).Prune(t.Context(), retryqueue.Prune{Kind: "kledo.invoice", Limit: 10})
	require.NoError(t, err)
	require.Equal(t, 1, pruned)

	h := w.handler(transactions.Config{})
	row := getList(t, h, "").Transactions[0]
	require.True(t, row.Pruned)
	require.Empty(t, row.Actions)
	require.Equal(t, []string{"success", "order:1"}, []string{row.Status, row.Label}, "the key is left to name it")
	_, page := get(t, h, "/jobs/"+string(id))
	require.Contains(t, page, "The payload is not kept any more.")
	require.Contains(t, page, "The attempts are not kept any more")
	require.Contains(t, page, "INV-77")
	require.NotContains(t, page, "Siti&#39;s order")
	answer, _ := post(t, h, "/", url.Values{"act": {"resend"}, "id": {string(id)}, "confirmed": {"yes"}})
	require.Equal(t, "./?notice=resend.0.1", answer.Header.Get("Location"))
	require.Equal(t, retryqueue.Succeeded, w.get(id).State)
}

func TestEveryTabKeepsTheFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, retryqueue.NewMemoryStore())
	_, page := get(t, w.handler(transactions.Config{}), "/?error=e&status=failed&page=3&sort=order&order=asc&rows=10")
	var tabs []string
	for _, m := range regexp.MustCompile(`<a href="(\./[^"]*)"[^>]*>[A-Z][a-z]+ <span class="count"`).FindAllStringSubmatch(page, -1) {
		tabs = append(tabs, strings.ReplaceAll(m[1], "&amp;", "&"))
	}
	require.Len(t, tabs, 5)
	require.True(t, slices.Contains(tabs, "./?error=e&order=asc&rows=10&sort=order&status=success"), tabs)
}
