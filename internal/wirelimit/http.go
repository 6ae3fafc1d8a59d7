package wirelimit

import (
	"context"
	"io"
	"net/http"
)

const (
	// MaxBody limits the decompressed body of an HTTP answer, in bytes.
	MaxBody = 2 << 20
	// maxHeader limits the header of an HTTP answer, in bytes.
	maxHeader = 64 << 10
	// perElement is the memory, in bytes, that a client uses for an element of a JSON object
	// even if the element is almost empty.
	perElement = 64
)

// Transport limits the answers to HTTP requests. A body larger than a small free allowance is
// read only once there is room for it.
type Transport struct {
	http.RoundTripper

	Room *Room
	// Opaque means that the client does not decode the bodies. False: they count as if they were
	// JSON, whose elements take memory beside their text.
	Opaque bool
}

// Tighten sets the limits that only a transport itself can enforce: the header of an answer,
// and the buffers for bodies that have not been read yet.
func Tighten(t *http.Transport) {
	t.MaxResponseHeaderBytes = maxHeader
	t.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 1 << 20}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: req.Context(), share: share{room: t.Room}, opaque: t.Opaque}
	return resp, nil
}

// WrappedRoundTripper lets client-go find the inner transport, to close its connections.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.RoundTripper }

// body is the body of an answer.
type body struct {
	io.ReadCloser

	ctx      context.Context
	share    share
	opaque   bool
	read     int64
	elements int64
	inString bool
	escaped  bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if !b.opaque {
		b.count(p[:n])
	}
	size := b.read + b.elements*perElement
	if b.read > MaxBody || size > RoomSize {
		return 0, ErrTooLarge
	}
	if size > free {
		if full := b.share.grow(b.ctx, b.share.room.size); full != nil {
			return 0, full
		}
	}
	return n, err
}

// count counts the commas outside strings.
func (b *body) count(p []byte) {
	for _, c := range p {
		switch {
		case b.escaped:
			b.escaped = false
		case b.inString && c == '\\':
			b.escaped = true
		case c == '"':
			b.inString = !b.inString
		case c == ',' && !b.inString:
			b.elements++
		}
	}
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.share.release()
	return b.ReadCloser.Close()
}
