package hmacauth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// secretLength of 43 letters and digits is 256.03 bits.
	secretLength = 43
	// nonceLength of 22 letters and digits is 130.99 bits. RFC9421 demands 128.
	nonceLength = 22
)

// GenerateSecret returns a new secret of 43 letters and digits: 256 bits that survive every form, shell and URL they are pasted into.
func GenerateSecret() string { return randomText(secretLength) }

func newNonce() string { return randomText(nonceLength) }

// randomText draws letters and digits, each as likely as the others: bytes from 248 = 4 × 62 upwards are thrown away.
func randomText(n int) string {
	var out, random [64]byte
	for have := 0; have < n; {
		_, _ = rand.Read(random[:]) // never fails: see its documentation
		for _, b := range random {
			if b < 248 && have < n {
				out[have] = alphabet[b%62]
				have++
			}
		}
	}
	return string(out[:n])
}

// CheckSecret names what WordPress would alter when the secret is pasted into one of its forms, or nil. 31 % of the secrets that the
// Kitgenix plugin itself generates are altered so, and then one side signs with another key than the other. The error never contains
// any part of the secret.
func CheckSecret(secret string) error {
	var found []error
	if strings.TrimSpace(secret) == "" {
		return errors.New("hmacauth: the secret is empty")
	}
	if len(secret) < MinSecret {
		found = append(found, fmt.Errorf("it has %d bytes, fewer than %d", len(secret), MinSecret))
	}
	for _, rule := range wordPressRules {
		if rule.meets(secret) {
			found = append(found, errors.New(rule.what))
		}
	}
	if len(found) == 0 && PastedIntoWordPress(secret) != secret {
		found = append(found, errors.New("it is altered"))
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("hmacauth: the secret would not survive being pasted into WordPress: %w", errors.Join(found...))
}

var wordPressRules = []struct {
	what  string
	meets func(string) bool
}{
	{`it is not UTF-8 and would be emptied`, func(s string) bool { return !utf8.ValidString(s) }},
	{`it contains "<": what follows would be cut off or rewritten`, func(s string) bool { return strings.Contains(s, "<") }},
	{`it contains "%" before two hexadecimal digits, which would be dropped`, percentByte.MatchString},
	{`it contains several spaces, a tab or a line break in a row, which would become one space`, blanks.MatchString},
	{`it begins or ends with a space, which would be cut off`, func(s string) bool { return strings.Trim(s, cutset) != s }},
	{`it contains a null byte`, func(s string) bool { return strings.Contains(s, "\x00") }},
}

const cutset = " \t\n\r\x00\x0b"

var (
	percentByte = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	blanks      = regexp.MustCompile(`[\r\n\t]|  `)
	blankRun    = regexp.MustCompile(`[\r\n\t ]+`)
	tag         = regexp.MustCompile(`(?s)<[^>]*>`)
	scriptTag   = regexp.MustCompile(`(?is)<(script|style)[^>]*>.*?</(script|style)>`)
)

// PastedIntoWordPress is what WordPress keeps of a secret that is pasted into one of its text fields. A host may give it as a second
// candidate (see [Keys]) while a pair is set up.
func PastedIntoWordPress(secret string) string {
	if !utf8.ValidString(secret) {
		return ""
	}
	s := secret
	if strings.Contains(s, "<") {
		s = tag.ReplaceAllString(scriptTag.ReplaceAllString(escapeLone(s), ""), "")
	}
	s = strings.Trim(blankRun.ReplaceAllString(s, " "), cutset)
	dropped := false
	for percentByte.MatchString(s) { // again, since what closes up may form a new one
		s, dropped = percentByte.ReplaceAllString(s, ""), true
	}
	if dropped {
		s = strings.Trim(blankRun.ReplaceAllString(s, " "), cutset)
	}
	return s
}

// escapeLone writes each "<" that no ">" follows before the next "<" as an entity.
func escapeLone(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		next := strings.IndexAny(s[1:], "<>")
		if next >= 0 && s[1+next] == '>' {
			b.WriteString(s[:next+2])
			s = s[next+2:]
			continue
		}
		b.WriteString("&lt;")
		s = s[1:]
	}
}
