package eurofaktura

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// What some kinds of documents can do and others cannot. A kind that lacks the verb is refused before anything is sent.

// on makes a call about one document.
func (c *Client) on(ctx context.Context, kind DocumentKind, verb string, ref DocumentRef, more map[string]any, take func(json.RawMessage) error) error {
	op := string(kind) + "." + verb
	m, ok := method(string(kind), verb)
	if !ok {
		return refused(op, m, fmt.Sprintf("the vendor's catalogue has no %s%s", kind, verb))
	}
	params, err := ref.params()
	if err != nil {
		return refused(op, m, err.Error())
	}
	for name, v := range more {
		params[name] = v
	}
	return c.do(ctx, op, m, params, take)
}

// Cancel cancels a document: {Kind}Cancel.
func (c *Client) Cancel(ctx context.Context, kind DocumentKind, ref DocumentRef) error {
	return c.on(ctx, kind, "Cancel", ref, nil, ignore)
}

// SendByEmail has the server mail a document: {Kind}SendByEmail. The names of its parameters are not documented where we could read;
// params are sent beside the reference.
func (c *Client) SendByEmail(ctx context.Context, kind DocumentKind, ref DocumentRef, params map[string]any) error {
	return c.on(ctx, kind, "SendByEmail", ref, params, ignore)
}

// AddPayment records money that came in: {Kind}PaymentRecordAdd, for sales orders, invoices and quotes and received invoices.
func (c *Client) AddPayment(ctx context.Context, kind DocumentKind, ref DocumentRef, p Payment) error {
	raw, err := encode(p)
	if err != nil {
		return err
	}
	var params map[string]any
	if err := json.Unmarshal(raw, &params); err != nil {
		return err
	}
	return c.on(ctx, kind, "PaymentRecordAdd", ref, params, ignore)
}

// CreateInvoice makes an invoice out of a sales order or a quote: {Kind}CreateInvoice.
func (c *Client) CreateInvoice(ctx context.Context, kind DocumentKind, ref DocumentRef, transaction string) (*Created, error) {
	if err := checkTransaction(transaction); err != nil {
		return nil, refused(string(kind)+".CreateInvoice", Method(kind+"CreateInvoice"), err.Error())
	}
	created := new(Created)
	return created, c.on(ctx, kind, "CreateInvoice", ref, map[string]any{"apiTransactionId": transaction}, func(result json.RawMessage) error {
		return decodeResult(unwrap(result, string(KindSalesInvoice)), created)
	})
}

// PublicURL returns an address at which anybody who has it can see an invoice: SalesInvoiceGetPublicURL.
func (c *Client) PublicURL(ctx context.Context, ref DocumentRef) (string, error) {
	var result struct {
		URL string `json:"publicURL"`
	}
	err := c.on(ctx, KindSalesInvoice, "GetPublicURL", ref, nil, func(raw json.RawMessage) error {
		if err := decodeResult(raw, &result); err != nil {
			return err
		}
		if result.URL == "" {
			return errors.New("it holds no publicURL")
		}
		return nil
	})
	return result.URL, err
}

// PDF writes a document's PDF to w: {Kind}GetPDF, for all kinds but received invoices. It is decoded piece by piece; nothing is
// written before the whole answer is there. The number of bytes is returned.
func (c *Client) PDF(ctx context.Context, kind DocumentKind, ref DocumentRef, w io.Writer) (int64, error) {
	return c.file(ctx, kind, "GetPDF", ref, nil, w)
}

// UPNPDF writes the Slovenian payment slip of an invoice to w: SalesInvoiceGetUPNPDF.
func (c *Client) UPNPDF(ctx context.Context, ref DocumentRef, w io.Writer) (int64, error) {
	return c.file(ctx, KindSalesInvoice, "GetUPNPDF", ref, nil, w)
}

// Attachment is a file that belongs to a document, as the list shows it.
type Attachment struct {
	FileName string `json:"fileName"`
	FileType string `json:"fileType"`

	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a record leniently, see Extra.
func (a *Attachment) UnmarshalJSON(b []byte) error { return readObject(b, a) }

// MarshalJSON writes what was read.
func (a Attachment) MarshalJSON() ([]byte, error) { return writeObject(a) }

// Attachments lists the files of a document: {Kind}AttachmentList.
func (c *Client) Attachments(ctx context.Context, kind DocumentKind, ref DocumentRef) ([]*Attachment, error) {
	params, err := ref.params()
	m, ok := method(string(kind), "AttachmentList")
	if err != nil || !ok {
		return nil, refused(string(kind)+".AttachmentList", m, "the reference has neither ID nor Number, or the kind has no attachments")
	}
	rows, _, err := list[Attachment](ctx, c, string(kind)+".AttachmentList", m, params, 0, "Attachment", "attachment")
	return rows, err
}

// Attach adds a file to a document: {Kind}AttachmentAdd. fileType is a media type, "application/pdf".
func (c *Client) Attach(ctx context.Context, kind DocumentKind, ref DocumentRef, fileName, fileType string, contents io.Reader) error {
	data, err := io.ReadAll(contents)
	if err != nil {
		return fmt.Errorf("eurofaktura: Attach: reading %s: %w", fileName, err)
	}
	return c.on(ctx, kind, "AttachmentAdd", ref, map[string]any{"attachment": struct {
		FileName string `json:"fileName"`
		FileType string `json:"fileType"`
		Contents []byte `json:"contents"` // base64
	}{fileName, fileType, data}}, ignore)
}

// Attached writes a file of a document to w: {Kind}AttachmentGet.
func (c *Client) Attached(ctx context.Context, kind DocumentKind, ref DocumentRef, fileName string, w io.Writer) (int64, error) {
	return c.file(ctx, kind, "AttachmentGet", ref, map[string]any{"fileName": fileName}, w)
}

func (c *Client) file(ctx context.Context, kind DocumentKind, verb string, ref DocumentRef, more map[string]any, w io.Writer) (int64, error) {
	op := string(kind) + "." + verb
	m, ok := method(string(kind), verb)
	if !ok {
		return 0, refused(op, m, fmt.Sprintf("the vendor's catalogue has no %s%s", kind, verb))
	}
	params, err := ref.params()
	if err != nil {
		return 0, refused(op, m, err.Error())
	}
	for name, v := range more {
		params[name] = v
	}
	return c.stream(ctx, op, m, params, w)
}

// stream makes a call whose result holds a file, and decodes it into w without a further copy of it.
func (c *Client) stream(ctx context.Context, op string, m Method, params any, w io.Writer) (int64, error) {
	s := &sink{w: w}
	err := c.doRaw(ctx, op, m, params, func(body []byte) error {
		if err := json.Unmarshal(body, &struct {
			Response struct {
				Result *sink `json:"result"`
			} `json:"response"`
		}{Response: struct {
			Result *sink `json:"result"`
		}{s}}); err != nil {
			return err
		}
		if !s.found {
			return errors.New("it holds no file")
		}
		return nil
	})
	return s.n, err
}

// sink takes the first file out of a result: pdfFile, fileContent or contents, also in a list and within "Attachment".
type sink struct {
	w     io.Writer
	n     int64
	found bool
}

// writeError is an error of the caller's own writer.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// UnmarshalJSON is given the part of the answer itself, not a copy.
func (s *sink) UnmarshalJSON(b []byte) error {
	if s.found || len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil || len(list) == 0 {
			return err
		}
		return s.UnmarshalJSON(list[0])
	case '{':
		return json.Unmarshal(b, &struct {
			PDF      *content `json:"pdfFile"`
			File     *content `json:"fileContent"`
			Contents *content `json:"contents"`
			Inner    *sink    `json:"Attachment"`
		}{&content{s}, &content{s}, &content{s}, s})
	}
	return nil
}

// content is the file itself.
type content struct{ s *sink }

func (c *content) UnmarshalJSON(b []byte) error {
	if c.s.found || len(b) < 2 || b[0] != '"' || len(b) == 2 {
		return nil
	}
	c.s.found = true
	from := base64.NewDecoder(base64.StdEncoding, &unescaped{rest: b[1 : len(b)-1]})
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			wrote, werr := c.s.w.Write(buf[:n])
			c.s.n += int64(wrote)
			if werr != nil {
				return &writeError{werr}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the file is no base64: %w", err)
		}
	}
}

// unescaped reads the inside of a JSON string. Base64 needs no escapes, but "/" may come as "\/", and line breaks as "\r\n".
type unescaped struct{ rest []byte }

func (u *unescaped) Read(p []byte) (n int, err error) {
	for n < len(p) && len(u.rest) > 0 {
		if plain := bytes.IndexByte(u.rest, '\\'); plain != 0 {
			if plain < 0 {
				plain = len(u.rest)
			}
			k := copy(p[n:], u.rest[:plain])
			n, u.rest = n+k, u.rest[k:]
			continue
		}
		switch {
		case len(u.rest) >= 6 && u.rest[1] == 'u':
			r, err := strconv.ParseUint(string(u.rest[2:6]), 16, 16)
			if err != nil || r >= utf8.RuneSelf {
				return n, errors.New("a letter that is none of base64's")
			}
			p[n] = byte(r)
			n, u.rest = n+1, u.rest[6:]
		case len(u.rest) >= 2:
			switch c := u.rest[1]; c {
			case 'n', 'r', 't', 'b', 'f': // white space
			default:
				p[n] = c
				n++
			}
			u.rest = u.rest[2:]
		default:
			u.rest = nil
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// notFound is a [ErrNotFound] of this package's own.
func notFound(op string, m Method) *Error {
	return &Error{Op: op, Method: http.MethodPost, Route: string(m), kind: ErrNotFound}
}
