package transactions

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for machines without zones

	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
)

func FuzzParseView(f *testing.F) {
	f.Add("status=failed&kind=kledo.invoice&attempts=3&created=2026-11-21&next=2026-11-22&error=time&sort=order&order=asc&page=2&rows=50")
	f.Add("status=&kind=%00&attempts=-1&created=2024-02-30&error=%ff%fe&page=99999999999999999999&rows=1e3&sort=attempts")
	f.Add("error=" + strings.Repeat("é", 300) + "&created=0001-01-01&next=9999-12-31&attempts=+1&page=+2")
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query)
		v := parseView(q)
		require.Equal(t, v, parseView(v.values()), "what a view says is read back")
		require.LessOrEqual(t, len(v.Error), maxText)
		require.LessOrEqual(t, len(v.Kind), retryqueue.MaxKind)
		for _, s := range []string{v.Error, v.Kind} {
			require.NotContains(t, s, "\x00")
			require.Equal(t, strings.ToValidUTF8(s, ""), s)
		}
		rows := prefs{Rows: defaultRows}.rows(v)
		require.True(t, rows >= 1 && rows <= maxRows)
		asked := v.query(time.UTC, rows)
		require.True(t, asked.Offset >= 0 && asked.Limit == rows)
		require.NotEmpty(t, asked.States)
		require.NotEmpty(t, asked.Sort)
		for _, days := range [][2]time.Time{{asked.CreatedFrom, asked.CreatedTo}, {asked.NextFrom, asked.NextTo}} {
			require.Equal(t, days[0].IsZero(), days[1].IsZero())
			require.True(t, days[0].IsZero() || days[1].Sub(days[0]) == 24*time.Hour && days[1].Year() < 10000)
		}
		require.True(t, strings.HasPrefix(v.href(), "./"))
	})
}

func TestDayWhereClocksChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, day, from, to string }{
		{"UTC", "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
		{"Asia/Jakarta", "2026-11-21", "2026-11-20T17:00:00Z", "2026-11-21T17:00:00Z"},
		{"Europe/Ljubljana", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},  // 23 hours
		{"Europe/Ljubljana", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},  // 25 hours
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // no 00:00: begins at 01:00
		{"America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"}, // and the day before ends there
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"}, // 23:00 twice
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"},    // 00:00 twice: the first
		{"America/Havana", "2025-11-01", "2025-11-01T04:00:00Z", "2025-11-02T04:00:00Z"},
		{"Asia/Amman", "2021-10-29", "2021-10-28T21:00:00Z", "2021-10-29T22:00:00Z"},   // again twice, east of Greenwich
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"}, // the next day was left out
	} {
		loc, err := time.LoadLocation(tt.zone)
		require.NoError(t, err)
		from, to := day(parseDay(tt.day), loc)
		require.Equal(t, tt.from, from.Format(time.RFC3339), "%s %s", tt.zone, tt.day)
		require.Equal(t, tt.to, to.Format(time.RFC3339), "%s %s", tt.zone, tt.day)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"id":1042,"status":"completed","total":"150000.00","paid":true,"date_created":"2026-11-21T10:00:00","note":null}`: ``,
		`{"billing":{"first_name":"Siti","total":"1.00","id":5,"sku":"A-1"}}`:                                               `{"billing":{"first_name":"•••","total":"•••","id":"•••","sku":"•••"}}`,
		`{"billing_email":"a@b.example","customerPhone":81234567,"phone2":"12","Email":"x"}`:                                `{"billing_email":"•••","customerPhone":"•••","phone2":"•••","Email":"•••"}`,
		`{"status":"Siti Rahma","sku":"a@b.example","who":"Siti","numbers":["6281234567890","0812","12.5"]}`:                `{"status":"•••","sku":"•••","who":"•••","numbers":["•••","•••","12.5"]}`,
		`{"line_items":[{"name":"Kopi","sku":"KOPI-250","quantity":2,"price":12000.5}]}`:                                    `{"line_items":[{"name":"•••","sku":"KOPI-250","quantity":2,"price":12000.5}]}`,
		`{"meta_data":[{"key":"_tracking","value":"AB 12 CD"}],"Siti Rahma":1}`:                                             `{"meta_data":[{"key":"_tracking","value":"•••"}],"•••":1}`,
		`"Siti"`:                            `"•••"`,
		`12`:                                ``,
		`12345678901234567890.123456789e10`: ``, // numbers stay as they were written
		`[]`:                                ``,
		`{`:                                 `"•••"`,
		`nonsense`:                          `"•••"`,
		``:                                  `"•••"`,
		"\"\xff\"":                          `"•••"`,
		strings.Repeat("[", 20000) + strings.Repeat("]", 20000): `"•••"`,
	} {
		if want == "" {
			want = raw
		}
		require.Equal(t, want, string(mask(json.RawMessage(raw))))
	}
}

func FuzzMask(f *testing.F) {
	f.Add([]byte(`{"a":{"email":["x",1,{"b":null}]},"id":"é"}`), "secret words")
	f.Fuzz(func(t *testing.T, raw []byte, secret string) {
		require.True(t, json.Valid(mask(raw)))
		if secret = plain(secret, 100); strings.Contains(secret, " ") && !date.MatchString(secret) {
			in, err := json.Marshal(map[string]any{"id": secret, "x": []any{secret, map[string]string{secret: secret}}})
			require.NoError(t, err)
			var out any
			require.NoError(t, json.Unmarshal(mask(in), &out))
			require.Equal(t, map[string]any{"id": hidden, "x": []any{hidden, map[string]any{hidden: hidden}}}, out)
		}
	})
}

func TestNoticeText(t *testing.T) {
	t.Parallel()
	for s, text := range map[string]string{
		"retry.1.1":   "1 transaction is tried again now. Reload to see how it went.",
		"retry.-1.5":  "Not all of the 5 transactions could be moved: some had begun or ended meanwhile.",
		"resend.0.2":  "Nothing was done: the transactions had ended, were under way or are gone.",
		"discard.2.3": "2 of 3 transactions were discarded. They are kept under Discarded. The others had ended, were under way or are gone.",
		"retry.0.0":   "No transaction was selected.",
	} {
		n := readNotice(s)
		require.NotNil(t, n, s)
		require.Equal(t, text, n.Text())
		require.Equal(t, s, n.String())
		require.Equal(t, s == "retry.1.1", n.Good())
	}
}

func TestRelativeTimes(t *testing.T) {
	t.Parallel()
	f := frame{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	for d, want := range map[time.Duration]string{
		0: "", 59 * time.Second: "", time.Minute: "1 minute", 89 * time.Minute: "89 minutes", 2 * time.Hour: "2 hours",
		47 * time.Hour: "47 hours", 50 * time.Hour: "2 days", 240 * time.Hour: "10 days",
	} {
		ago, in := "", ""
		if want != "" {
			ago, in = want+" ago", "in "+want
		}
		require.Equal(t, ago, f.Ago(f.now.Add(-d)))
		require.Equal(t, in, f.In(f.now.Add(d)))
		require.Empty(t, f.Ago(f.now.Add(time.Hour)))
		require.Empty(t, f.In(f.now.Add(-time.Hour)))
	}
}
