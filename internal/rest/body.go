package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
)

const (
	headMax  = 64 << 10 // bytes kept of a failed answer, and searched for notices
	keepMax  = 1 << 20  // bytes of a buffer worth pooling, and of one made ahead on the word of Content-Length
	cutMax   = 200      // bytes of Response.Cut
	guesses  = 32       // places at which JSON is looked for behind notices
	overhang = bytes.MinRead
)

// read takes the whole body, at most limit bytes and one more as a sign that there is more. What net/http unzips is
// counted unzipped. The buffer is the caller's, to be given to put.
func (c *Client) read(resp *http.Response, limit int64) (*bytes.Buffer, error) {
	buf, ok := c.buffers.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	if n := resp.ContentLength; n > 0 {
		buf.Grow(int(min(n, limit, keepMax)) + overhang)
	}
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, min(limit, math.MaxInt64-1)+1))
	return buf, err
}

// put makes a buffer available again. A giant is left to the garbage collector.
func (c *Client) put(buf *bytes.Buffer) {
	if buf.Cap() <= keepMax+overhang {
		buf.Reset()
		c.buffers.Put(buf)
	}
}

var bom = []byte("\xef\xbb\xbf")

// findJSON returns where the one JSON value of body begins. Strictly that is 0 or an error. Leniently byte order marks and
// anything that PHP printed before the value may precede it.
func findJSON(body []byte, lenient bool) (int, error) {
	if json.Valid(body) {
		return 0, nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return 0, errors.New("the answer is empty")
	}
	if !lenient {
		return 0, describe(body)
	}
	at := 0
	for bytes.HasPrefix(body[at:], bom) {
		at += len(bom)
	}
	if at > 0 && json.Valid(body[at:]) {
		return at, nil
	}
	for try := 0; try < guesses && at < min(len(body), headMax); try++ {
		next := bytes.IndexAny(body[at:min(len(body), headMax)], "{[")
		if next < 0 {
			break
		}
		at += next
		if json.Valid(body[at:]) {
			return at, nil
		}
		if cutOff(body[at:]) { // its inner values would be valid on their own, and wrong
			return 0, errors.New("the JSON is cut off")
		}
		at++
	}
	return 0, describe(body)
}

// describe says why body is no JSON, without quoting it.
func describe(body []byte) error {
	switch {
	case bytes.HasPrefix(body, bom):
		return errors.New("a byte order mark or a notice stands before the JSON")
	case cutOff(body):
		return errors.New("the JSON is cut off")
	case body[0] == '<':
		return errors.New("markup or a PHP notice stands where JSON belongs")
	}
	return errors.New("it is no JSON")
}

// cutOff reports whether body is the beginning of a JSON value.
func cutOff(body []byte) bool {
	var v json.RawMessage
	return errors.Is(json.NewDecoder(bytes.NewReader(body)).Decode(&v), io.ErrUnexpectedEOF)
}

// head is at most n bytes of b as text, cut at a rune.
func head(b []byte, n int) string { return string(bytes.ToValidUTF8(b[:min(n, len(b))], nil)) }
