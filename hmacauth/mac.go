package hmacauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync/atomic"
)

// counters count what a verifier computes, so that a test can hold that the work does not depend on the secret.
type counters struct {
	macs, dummies, compared atomic.Int64
}

// matchAll computes the message's MAC with every form of every key, compares it with every signature, and returns the index of the
// key that fits, or -1. There is no early exit: the time tells neither which key it was nor how much of the MAC was right.
func matchAll(keys []Key, forms func(*material) []*material, mac func(*material, Message) *macState, m Message,
	sigs [][sha256.Size]byte, n *counters,
) int {
	found := -1
	for i, k := range keys {
		if k.IsZero() {
			continue
		}
		all := k.m().self[:]
		if forms != nil {
			all = forms(all[0])
		}
		for _, form := range all {
			s := mac(form, m)
			want := s.finish()
			for j := range sigs {
				if hmac.Equal(want, sigs[j][:]) && found < 0 {
					found = i
				}
			}
			s.done()
			if n != nil {
				n.macs.Add(1)
				n.compared.Add(int64(len(sigs) * sha256.Size))
			}
		}
	}
	return found
}

// check is matchAll for the exported cores.
func check(keys []Key, forms func(*material) []*material, mac func(*material, Message) *macState, m Message,
	sigs [][sha256.Size]byte,
) (Key, bool) {
	if i := matchAll(keys, forms, mac, m, sigs, nil); i >= 0 {
		return keys[i], true
	}
	return Key{}, false
}

const hexDigits = "0123456789abcdef"

func appendHex(dst, sum []byte) []byte {
	for _, b := range sum {
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// decodeHex reads exactly 64 lower-case digits: the plugin compares text, so capitals are no signature to it either.
func decodeHex(dst *[sha256.Size]byte, s string) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	for i := range dst {
		high, low := nibble(s[2*i]), nibble(s[2*i+1])
		if high|low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	default:
		return 0xff
	}
}

// strict64 is standard base64 with padding, in which a value has one spelling only.
var strict64 = base64.StdEncoding.Strict()

// decode64 reads exactly 32 bytes. The decoder of the standard library passes over line breaks: the length does not let it.
func decode64(dst *[sha256.Size]byte, s string) bool {
	var in [44]byte
	var out [33]byte
	if copy(in[:], s) != len(s) || len(s) != len(in) {
		return false
	}
	n, err := strict64.Decode(out[:], in[:])
	if err != nil || n != len(dst) {
		return false
	}
	copy(dst[:], out[:])
	return true
}

func append64(dst, sum []byte) []byte { return strict64.AppendEncode(dst, sum) }

func errorf(format string, args ...any) error { return fmt.Errorf("hmacauth: "+format, args...) }
