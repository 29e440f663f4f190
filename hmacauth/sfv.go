package hmacauth

import "strings"

// scanner reads the structured fields (RFC 8941) that a signed request uses, strictly: what has several spellings is accepted in one,
// because the text is signed as it was received.
type scanner struct {
	s string
	i int
}

func (p *scanner) done() bool { return p.i == len(p.s) }

func (p *scanner) peek() byte {
	if p.done() {
		return 0
	}
	return p.s[p.i]
}

func (p *scanner) take(c byte) bool {
	if p.peek() != c || p.done() {
		return false
	}
	p.i++
	return true
}

// next moves over the comma between two members of a dictionary. It is false at the end and where there is no comma.
func (p *scanner) next() bool {
	end := p.i
	p.blanks()
	if !p.take(',') {
		p.i = end // blanks before nothing are not part of a dictionary
		return false
	}
	p.blanks()
	return true // and a comma that nothing follows fails at what should
}

func (p *scanner) blanks() {
	for p.peek() == ' ' || p.peek() == '\t' {
		p.i++
	}
}

// key reads the name of a member or parameter.
func (p *scanner) key() (string, bool) {
	start := p.i
	for ; !p.done(); p.i++ {
		c := p.s[p.i]
		first := 'a' <= c && c <= 'z' || c == '*'
		if !first && (p.i == start || !('0' <= c && c <= '9') && c != '_' && c != '-' && c != '.') {
			break
		}
	}
	return p.s[start:p.i], p.i > start
}

// text passes over a string. Escapes are refused: nothing that is signed here needs one.
func (p *scanner) text() bool {
	if !p.take('"') {
		return false
	}
	for ; !p.done(); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return true
		case c < ' ' || c >= 0x7f || c == '\\':
			return false
		}
	}
	return false
}

// bytes reads a byte sequence and returns the base64 between its colons.
func (p *scanner) bytes() (string, bool) {
	if !p.take(':') {
		return "", false
	}
	end := strings.IndexByte(p.s[p.i:], ':')
	if end < 0 {
		return "", false
	}
	text := p.s[p.i : p.i+end]
	p.i += end + 1
	return text, true
}

// item passes over a bare item of any kind, for parameters that are not ours.
func (p *scanner) item() bool {
	switch p.peek() {
	case '"':
		return p.text()
	case ':':
		_, ok := p.bytes()
		return ok
	}
	start := p.i
	for ; !p.done(); p.i++ {
		if c := p.s[p.i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`",;:()\`, c) >= 0 {
			break
		}
	}
	return p.i > start
}

// input is one member of Signature-Input.
type input struct {
	label      string
	raw        string // the inner list with its parameters, which is what is signed
	components [maxComponents]string
	n          int
	parameters
}

type parameters struct {
	created, expires, nonce, keyid, tag, alg string
	strange, twice                           bool // a parameter that we do not know; one given twice
}

const maxComponents = 8

// input reads a member up to its end.
func (p *scanner) input(in *input) bool {
	*in = input{}
	var ok bool
	if in.label, ok = p.key(); !ok || !p.take('=') {
		return false
	}
	start := p.i
	if !p.take('(') {
		return false
	}
	for !p.take(')') {
		if in.n == maxComponents || in.n > 0 && !p.take(' ') {
			return false
		}
		from := p.i
		if !p.text() {
			return false
		}
		if !p.parameters(func(string, string, bool) {}) {
			return false
		}
		in.components[in.n] = p.s[from:p.i]
		in.n++
	}
	ok = p.parameters(in.set)
	in.raw = p.s[start:p.i]
	return ok
}

// parameters reads ";name=value" as often as it comes. Strings and integers are given without quotes, anything else is not plain.
func (p *scanner) parameters(set func(name, value string, plain bool)) bool {
	for p.take(';') {
		name, ok := p.key()
		if !ok {
			return false
		}
		if !p.take('=') {
			set(name, "", false)
			continue
		}
		from, quoted := p.i, p.peek() == '"'
		if !p.item() {
			return false
		}
		value := p.s[from:p.i]
		if quoted {
			value = value[1 : len(value)-1]
		}
		number := name == "created" || name == "expires"
		set(name, value, quoted != number)
	}
	return true
}

func (in *parameters) set(name, value string, plain bool) {
	var to *string
	switch name {
	case "created":
		to = &in.created
	case "expires":
		to = &in.expires
	case "nonce":
		to = &in.nonce
	case "keyid":
		to = &in.keyid
	case "tag":
		to = &in.tag
	case "alg":
		to = &in.alg
	}
	switch {
	case to == nil || !plain || value == "":
		in.strange = true
	case *to != "":
		in.twice = true
	default:
		*to = value
	}
}
