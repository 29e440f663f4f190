package rest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// outcome turns what came back into a Response or a Failure. The body is read and closed.
func (r *run) outcome(ctx context.Context, resp *http.Response, err error) (*Response, *Failure) {
	if err != nil {
		f := r.fail(Transport, redacted(err))
		if ctx.Err() != nil {
			f = r.fail(Ended, ended(ctx, "while waiting for the answer"))
		}
		f.Ambiguous = r.ambiguous(f, r.sent(err))
		return nil, f
	}
	ok := resp.StatusCode/100 == 2
	limit := r.client.config.MaxBody
	if !ok || resp.ContentLength > limit {
		limit = headMax
	}
	buf, err := r.client.read(resp, limit)
	_ = resp.Body.Close()
	resp.Body = http.NoBody
	body := buf.Bytes()

	var f *Failure
	page := recognise(resp.StatusCode, resp.Header, body)
	empty := resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusResetContent || r.call.Method == http.MethodHead
	switch {
	case err != nil && ctx.Err() != nil:
		f = r.fail(Ended, ended(ctx, "while reading the answer"))
	case resp.StatusCode/100 == 3 && resp.Header.Get("Location") != "":
		f = r.fail(Redirect, nil)
		f.Target = target(resp)
	case !ok && page == "":
		f = r.fail(Status, nil)
		if err != nil {
			f.Err = redacted(err)
		}
	case !ok:
		f = r.fail(Page, nil)
	case int64(len(body)) > limit || resp.ContentLength > r.client.config.MaxBody:
		f = r.fail(TooLarge, fmt.Errorf("more than %d bytes", r.client.config.MaxBody))
	case err != nil:
		f = r.fail(NotJSON, &cause{text: fmt.Sprintf("cut off after %d bytes: %s", len(body), redacted(err).text), err: err})
	default:
		return r.accept(resp, buf, page, empty)
	}
	return nil, r.annotate(f, resp, buf, page)
}

// accept takes a complete 2xx answer for what it is.
func (r *run) accept(resp *http.Response, buf *bytes.Buffer, page string, empty bool) (*Response, *Failure) {
	body := buf.Bytes()
	start, err := 0, error(nil)
	if !empty && !r.call.Raw {
		start, err = findJSON(body, r.call.Kind == Read)
	}
	switch {
	case empty || r.call.Raw && page == "" || !r.call.Raw && err == nil:
		return &Response{
			Status: resp.StatusCode, Header: resp.Header, Body: body[start:], Attempts: r.attempts, Cut: head(body[:start], cutMax),
			release: func() { r.client.put(buf) },
		}, nil
	case page != "":
		return nil, r.annotate(r.fail(Page, nil), resp, buf, page)
	}
	return nil, r.annotate(r.fail(NotJSON, err), resp, buf, page)
}

// annotate adds what an answer tells to f, and gives its buffer back.
func (r *run) annotate(f *Failure, resp *http.Response, buf *bytes.Buffer, page string) *Failure {
	body := buf.Bytes()
	f.Status = resp.StatusCode
	f.Header = safeHeader(resp.Header)
	f.Body = bytes.Clone(body[:min(len(body), headMax)])
	f.RetryAfter = retryAfter(resp.Header)
	if f.Class == Page {
		f.Page = page
	}
	f.Ambiguous = r.ambiguous(f, true)
	r.client.put(buf)
	return f
}

// target is where a redirect leads, without query and user.
func target(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return "an address that cannot be read"
	}
	return scrub((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}
