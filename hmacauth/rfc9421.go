package hmacauth

import (
	"crypto/sha256"
	"crypto/sha512"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RFC9421 is HTTP Message Signatures with HMAC-SHA-256, for both sides Go or anything else that speaks the standard. Signed are
//
//	"@method" "@authority" "@path" "@query" "content-type" "content-digest"
//
// the first four and content-digest always, content-type when there is one, with the parameters created, expires (at most 300 s
// later), nonce (at least 22 characters), keyid (the sender's id) and tag. The algorithm follows from the key; an alg parameter that
// says otherwise is refused. Path and query are the bytes of the request line. Digests (RFC 9530) are sha-256 or sha-512; all that
// are known must be right, and the weak ones of old are refused. Other signatures in the same headers are passed over, unless they
// bear the same tag.
//
// Answers are signed with Tag + "-response" over "@status", content-type, content-digest and the request's own signature, so that no
// answer fits another request: see [VerifierConfig].SignAnswers and [Signer].VerifyAnswers.
type RFC9421 struct {
	// Tag names the protocol and its direction: two services that call each other use one for each. Default "tillwire".
	Tag string
	// Authority is the host, with a port unless it is the scheme's own, under which a verifier is called. Default: the request's Host.
	Authority string
	// TrustedProxies may say X-Forwarded-Host and X-Forwarded-Proto. Default: nobody.
	TrustedProxies []netip.Prefix
}

// AppendSignature appends the base64 of the MAC over m.Body, the signature base of RFC 9421 section 2.5.
func (RFC9421) AppendSignature(dst []byte, k Key, m Message) []byte {
	return WooWebhook{}.AppendSignature(dst, k, m)
}

// Check returns the key with which m.Body, a signature base, was signed. signature is base64 without colons.
func (RFC9421) Check(keys []Key, m Message, signature string) (Key, bool) {
	var sigs [1][32]byte
	if !decode64(&sigs[0], signature) {
		return Key{}, false
	}
	return check(keys, nil, bodyMAC, m, sigs[:])
}

func (p RFC9421) scheme() (scheme, error) {
	tag := p.Tag
	if tag == "" {
		tag = "tillwire"
	}
	if !token(tag) || len(tag) > maxID {
		return nil, errorf("RFC9421.Tag %q: want printable ASCII without comma, quotes and spaces", tag)
	}
	if !asciiHost(p.Authority) {
		return nil, errorf("RFC9421.Authority %q: want ASCII; write an international name in its xn-- form", p.Authority)
	}
	return &rfc9421{tag: tag, authority: strings.ToLower(p.Authority), proxies: slices.Clone(p.TrustedProxies)}, nil
}

type rfc9421 struct {
	tag, authority string
	proxies        []netip.Prefix
}

const (
	signatureInput = "Signature-Input"
	signature      = "Signature"
	contentDigest  = "Content-Digest"
	contentType    = "Content-Type"
	ownLabel       = "tillwire"
	maxInput       = 2048
	minStrongNonce = 22
	lifetime       = 300 // seconds between created and expires
)

// Components of a request, as they stand in a list.
const (
	cMethod    = `"@method"`
	cAuthority = `"@authority"`
	cPath      = `"@path"`
	cQuery     = `"@query"`
	cType      = `"content-type"`
	cDigest    = `"content-digest"`
	cStatus    = `"@status"`
)

func (*rfc9421) traits() traits {
	return traits{name: "rfc9421", whole: true, authFail: "auth_failed"}
}

func (*rfc9421) present(h http.Header) bool { return len(h[signatureInput])+len(h[signature]) > 0 }

// signed reads Signature-Input and Signature, and returns the one member that bears the tag, with its signature.
func signed(h http.Header, tag string, in *input, c *claim) Reason {
	inputs, why := one(h, signatureInput, maxInput)
	if why != "" {
		return why
	}
	signatures, why := one(h, signature, maxInput)
	if why != "" {
		return why
	}
	found := false
	p := scanner{s: inputs}
	var labels [maxSignatures]string
	for n := 0; ; n++ {
		var member input
		if n == maxSignatures || !p.input(&member) || slices.Contains(labels[:n], member.label) {
			return ErrMalformed
		}
		labels[n] = member.label
		if member.tag == tag {
			if found {
				return ErrMalformed
			}
			*in, found = member, true
		}
		if !p.next() {
			break
		}
	}
	if !p.done() {
		return ErrMalformed
	}
	if !found {
		return ErrMissing
	}
	return signatureOf(signatures, in.label, c)
}

// signatureOf finds the member of Signature that is called label.
func signatureOf(header, label string, c *claim) Reason {
	p := scanner{s: header}
	found := false
	for {
		name, ok := p.key()
		if !ok || !p.take('=') {
			return ErrMalformed
		}
		text, ok := p.bytes()
		if !ok {
			return ErrMalformed
		}
		if name == label {
			if found || !decode64(&c.sigs[0], text) {
				return ErrMalformed
			}
			found, c.n, c.label, c.sigText, c.shown = true, 1, label, text, text
		}
		if !p.next() {
			break
		}
	}
	switch {
	case !p.done():
		return ErrMalformed
	case !found:
		return ErrMissing
	}
	return ""
}

// fresh reads the parameters of a member into the claim.
func (in *parameters) claim(c *claim) Reason {
	created, ok1 := seconds(in.created)
	expires, ok2 := seconds(in.expires)
	switch {
	case in.strange || in.twice || !ok1 || !ok2 || in.alg != "" && in.alg != "hmac-sha256":
		return ErrMalformed
	case in.keyid == "" || len(in.keyid) > maxID || !plainText(in.keyid) || len(in.nonce) < minStrongNonce || len(in.nonce) > maxNonce || !token(in.nonce):
		return ErrMalformed
	case expires < created || expires > created+lifetime:
		return ErrMalformed
	}
	c.sender, c.nonce, c.timed, c.at, c.expires = in.keyid, in.nonce, true, created, expires
	return ""
}

func (p *rfc9421) claim(r *http.Request, c *claim) Reason {
	var in input
	if why := signed(r.Header, p.tag, &in, c); why != "" {
		return why
	}
	if why := in.claim(c); why != "" {
		return why
	}
	if len(r.Trailer) > 0 {
		return ErrUncovered
	}
	need := []string{cMethod, cAuthority, cPath, cQuery, cDigest, cType}
	if len(r.Header[contentType]) == 0 {
		need = need[:5]
	}
	if !covers(in.components[:in.n], need) {
		return ErrUncovered
	}
	authority, ok := p.authorityOf(r)
	if !ok {
		return ErrMalformed
	}
	path, query := target(r)
	b := c.base[:0]
	for _, component := range in.components[:in.n] {
		var value string
		switch component {
		case cMethod:
			value = r.Method
		case cAuthority:
			value = authority
		case cPath:
			value = path
		case cQuery:
			value = query
		default:
			var why Reason
			if value, why = field(r.Header, component, c); why != "" {
				return why
			}
		}
		b = line(b, component, value)
	}
	c.base = ending(b, in.raw)
	return ""
}

// covers reports whether have is need in any order.
func covers(have, need []string) bool {
	if len(have) != len(need) {
		return false
	}
	for i, c := range have {
		if !slices.Contains(need, c) || slices.Contains(have[:i], c) {
			return false
		}
	}
	return true
}

// field returns the value of one of the two headers that are signed.
func field(h http.Header, component string, c *claim) (string, Reason) {
	name := contentType
	if component == cDigest {
		name = contentDigest
	}
	value, why := one(h, name, 512)
	if why != "" {
		return "", why
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x7f {
			return "", ErrMalformed
		}
	}
	if component == cDigest {
		c.digest = value
	}
	return strings.Trim(value, " "), ""
}

func line(b []byte, component, value string) []byte {
	b = append(b, component...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, '\n')
}

func ending(b []byte, raw string) []byte {
	b = append(b, `"@signature-params": `...)
	return append(b, raw...)
}

// target returns "@path" and "@query": the bytes of the request line, whatever a router has made of the URL since.
func target(r *http.Request) (path, query string) {
	uri := r.RequestURI
	if uri == "" { // a request on its way out
		uri = r.URL.RequestURI()
	}
	if i := strings.Index(uri, "://"); i > 0 && !strings.HasPrefix(uri, "/") { // absolute form, as for a proxy
		rest := uri[i+3:]
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		uri = rest[end:]
	}
	path, query, asked := strings.Cut(uri, "?")
	if path == "" {
		path = "/"
	}
	if !asked {
		return path, "?"
	}
	return path, uri[len(uri)-len(query)-1:]
}

// authorityOf returns "@authority" as the receiver of r sees it.
func (p *rfc9421) authorityOf(r *http.Request) (string, bool) {
	if p.authority != "" {
		return p.authority, true
	}
	host, secure := r.Host, r.TLS != nil
	if len(p.proxies) > 0 && p.trusts(r.RemoteAddr) {
		forwarded, why := one(r.Header, "X-Forwarded-Host", 255)
		switch why {
		case "":
			host = forwarded
		case ErrMissing:
		default:
			return "", false
		}
		if len(r.Header["X-Forwarded-Proto"]) == 1 {
			secure = r.Header["X-Forwarded-Proto"][0] == "https"
		}
	}
	return canonicalAuthority(host, secure)
}

func (p *rfc9421) trusts(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(p.proxies, func(n netip.Prefix) bool { return n.Contains(at.Addr().Unmap()) })
}

// canonicalAuthority is lower case without the scheme's own port.
func canonicalAuthority(host string, secure bool) (string, bool) {
	if host == "" || !asciiHost(host) {
		return "", false
	}
	port := ":80"
	if secure {
		port = ":443"
	}
	return strings.ToLower(strings.TrimSuffix(host, port)), true
}

func asciiHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"/\?#@,`, c) >= 0 {
			return false
		}
	}
	return true
}

// goodDigest reports whether a Content-Digest header is right for the body: at least one digest that is known, none of those right and none weak.
func goodDigest(header string, body []byte) bool {
	known := 0
	p := scanner{s: header}
	for n := 0; n < maxSignatures; n++ {
		name, ok := p.key()
		if !ok || !p.take('=') {
			return false
		}
		text, ok := p.bytes()
		if !ok {
			return false
		}
		var sum []byte
		switch name {
		case "sha-256":
			s := sha256.Sum256(body)
			sum = s[:]
		case "sha-512":
			s := sha512.Sum512(body)
			sum = s[:]
		case "md5", "sha", "unixsum", "unixcksum", "adler", "crc32c":
			return false
		}
		if sum != nil {
			var want [88]byte
			if known++; string(append64(want[:0], sum)) != text {
				return false
			}
		}
		if !p.next() {
			return p.done() && known > 0
		}
	}
	return false
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + string(append64(nil, sum[:])) + ":"
}

func (*rfc9421) match(c *claim, body []byte, keys []Key, n *counters) int {
	i := matchAll(keys, nil, bodyMAC, Message{Body: c.base}, c.sigs[:c.n], n)
	if !goodDigest(c.digest, body) {
		return -1
	}
	return i
}

func (p *rfc9421) sign(r *http.Request, k Key, s stamp, body []byte) (string, error) {
	if err := checkKeyID(k.id); err != nil {
		return "", err
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	authority, ok := canonicalAuthority(host, r.URL.Scheme == "https")
	if !ok {
		return "", errorf("host %q: want ASCII; write an international name in its xn-- form", host)
	}
	if r.URL.Opaque != "" {
		return "", errorf("the URL is opaque: what would be sent is not what would be signed")
	}
	if len(r.Trailer) > 0 {
		return "", errorf("a request with trailers cannot be signed: they come after the signature")
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	path, query := target(&http.Request{URL: r.URL})
	digest := digestOf(body)
	r.Header[contentDigest] = []string{digest}
	b := line(nil, cMethod, method)
	b = line(b, cAuthority, authority)
	b = line(b, cPath, path)
	b = line(b, cQuery, query)
	list := `("@method" "@authority" "@path" "@query" "content-digest"`
	if len(r.Header[contentType]) > 0 {
		var c claim
		value, why := field(r.Header, cType, &c)
		if why != "" {
			return "", errorf("content-type: want one, of printable ASCII without comma: %w", why)
		}
		list = `("@method" "@authority" "@path" "@query" "content-type" "content-digest"`
		b = line(b, cType, value)
	}
	b = line(b, cDigest, digest)
	setSignature(r.Header, k, list+")"+stampText(s, k.id, p.tag), b)
	return s.nonce, nil
}

func checkKeyID(id string) error {
	for i := range len(id) {
		if id[i] >= 0x7f {
			return errorf("key id %q: RFC9421 wants ASCII", id)
		}
	}
	if id == "" {
		return errorf("Signer.Key has no id: the receiver would not know the sender")
	}
	return nil
}

func stampText(s stamp, id, tag string) string {
	created := s.at.Unix()
	return ";created=" + strconv.FormatInt(created, 10) + ";expires=" + strconv.FormatInt(created+lifetime, 10) +
		`;nonce="` + s.nonce + `";keyid="` + id + `";tag="` + tag + `"`
}

func setSignature(h http.Header, k Key, raw string, lines []byte) {
	mac := RFC9421{}.AppendSignature(nil, k, Message{Body: ending(lines, raw)})
	h[signatureInput] = []string{ownLabel + "=" + raw}
	h[signature] = []string{ownLabel + "=:" + string(mac) + ":"}
}

// Answers.

func (p *rfc9421) answerTag() string { return p.tag + "-response" }

// bound is the component that ties an answer to its request.
func bound(label string) string { return `"signature";req;key="` + label + `"` }

// signAnswer sets the headers of an answer to the request that made the claim.
func (p *rfc9421) signAnswer(h http.Header, status int, body []byte, c *claim, k Key, s stamp) error {
	digest := digestOf(body)
	h[contentDigest] = []string{digest}
	b := line(nil, cStatus, strconv.Itoa(status))
	list := `("@status" `
	if len(h[contentType]) > 0 {
		value, why := field(h, cType, &claim{})
		if why != "" {
			return why
		}
		b = line(b, cType, value)
		list += cType + " "
	}
	b = line(b, cDigest, digest)
	b = line(b, bound(c.label), ":"+c.sigText+":")
	setSignature(h, k, list+cDigest+" "+bound(c.label)+")"+stampText(s, c.sender, p.answerTag()), b)
	return nil
}

// checkAnswer verifies an answer to a request that was signed with k.
func (p *rfc9421) checkAnswer(answer *http.Response, body []byte, sent http.Header, k Key, now time.Time, skew int64) Reason {
	var in input
	var c, own claim
	if why := signed(answer.Header, p.answerTag(), &in, &c); why != "" {
		return why
	}
	if why := in.claim(&c); why != "" {
		return why
	}
	mine, why := one(sent, signature, maxInput)
	if why == "" {
		why = signatureOf(mine, ownLabel, &own)
	}
	if why != "" {
		return why
	}
	need := []string{cStatus, cDigest, bound(ownLabel), cType}
	if len(answer.Header[contentType]) == 0 {
		need = need[:3]
	}
	if !covers(in.components[:in.n], need) {
		return ErrUncovered
	}
	if why := expired(&c, now.Unix(), skew); why != "" {
		return why
	}
	var b []byte
	for _, component := range in.components[:in.n] {
		var value string
		switch component {
		case cStatus:
			value = strconv.Itoa(answer.StatusCode)
		case bound(ownLabel):
			value = ":" + own.sigText + ":"
		default:
			if value, why = field(answer.Header, component, &c); why != "" {
				return why
			}
		}
		b = line(b, component, value)
	}
	c.base = ending(b, in.raw)
	if p.match(&c, body, []Key{k}, nil) != 0 {
		return ErrSignature
	}
	return ""
}
