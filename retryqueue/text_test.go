package retryqueue

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestPlainText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                      "",
		"plain":                                 "plain",
		"<p>One</p><p>Two</p>":                  "One Two",
		"<b>bo</b>ld":                           "bold",
		"qty <5 and > 3, a < b":                 "qty <5 and > 3, a < b",
		"R&amp;D &lt;b&gt; &#8364; &#x20AC;":    "R&D <b> € €",
		"?a=1&copy=2&amp;b=3":                   "?a=1&copy=2&b=3",
		"a\x00b\x07c\x1b[31m":                   "abc[31m",
		"a\r\n\tb\u2028c":                       "a b c",
		"&#0;&#7;x":                             "\uFFFDx",
		"\xff\xfeok":                            "ok",
		"\uFEFFbom \u202Eevil":                  "bom evil",
		"<script>alert('x')</script>Bad":        "Bad",
		"<style>p{}</style><!-- c <b> -->Bad":   "Bad",
		"<!DOCTYPE html><html\nlang=en>Blocked": "Blocked",
		"cut off <div class=":                   "cut off <div class=",
	} {
		require.Equal(t, want, plainText(in), "%q", in)
	}
	require.Equal(t, strings.Repeat("é", 250), plainText(strings.Repeat("é", 300)))
	require.Equal(t, "x"+strings.Repeat("é", 249), plainText("x"+strings.Repeat("é", 300)), "499 bytes: no rune is split")
	require.Equal(t, strings.Repeat("😀", 125), plainText(strings.Repeat("😀", 126)))
	require.Len(t, plainText(strings.Repeat("<", 1<<20)), 500)
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"<b>x", "&lt;", "\xff", "a\x00", strings.Repeat("é", 300), "<<a>script>x</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plainText(s)
		if len(got) > maxError || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		for _, r := range got {
			if unicode.IsControl(r) {
				t.Fatalf("control character in %q", got)
			}
		}
	})
}
