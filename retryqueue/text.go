package retryqueue

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxError is the longest LastError, in bytes.
const maxError = 500

var (
	// What a tag looks like: "a < b" and "qty <5" are none. Script and style go with their content.
	hidden = regexp.MustCompile(`(?is)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>`)
	inline = regexp.MustCompile(`(?is)</?(?:a|abbr|b|code|em|i|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>`)
	tag    = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^<>]*>`)
	// Only what ends in a semicolon is an entity: "?a=1&copy=2" is a query.
	entity = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});`)
)

// plainText makes an error fit to be kept and shown: tags stripped, entities read, control characters removed, white space
// folded, at most 500 bytes cut at a rune. Whoever shows it in HTML escapes it as any text.
func plainText(s string) string {
	if len(s) > 64<<10 {
		s = s[:64<<10] // an error page, not an error
	}
	s = strings.ToValidUTF8(s, "")
	if strings.Contains(s, "<") {
		s = hidden.ReplaceAllString(s, " ")
		s = inline.ReplaceAllString(s, "")
		s = tag.ReplaceAllString(s, " ")
	}
	s = entity.ReplaceAllStringFunc(s, html.UnescapeString)
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0xFEFF:
			return -1
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(s), " "), maxError)
}

// cut shortens s to at most so many bytes without splitting a rune.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
