package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// chainSize is the size of a chain value in bytes: half an HMAC-SHA256 (RFC 2104, section 5).
const chainSize = 16

// chainValue stands for a line and all lines before it.
type chainValue [chainSize]byte

func (v chainValue) String() string { return hex.EncodeToString(v[:]) }

// link is a place in the chain: a line's sequence number and chain value. The zero link is the
// place before the first line.
type link struct {
	seq   uint64
	value chainValue
}

// Anchor is a line's place in the chain. It shows whether lines up to it were cut off later.
type Anchor link

// String returns the anchor as the log has it, and as ParseAnchor takes it.
func (a Anchor) String() string { return strconv.FormatUint(a.seq, 10) + ":" + a.value.String() }

// ParseAnchor parses an anchor.
func ParseAnchor(text string) (Anchor, error) {
	seq, value, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(seq, 10, 64)
	decoded, ok := decodeChain([]byte(value))
	if err != nil || n == 0 || !ok {
		return Anchor{}, fmt.Errorf("%q is not an anchor: copy it from a log line of the component, such as \"audit log: anchor 12:%s\"",
			text, chainValue{})
	}
	return Anchor{n, decoded}, nil
}

func decodeChain(text []byte) (v chainValue, ok bool) {
	if len(text) != hex.EncodedLen(chainSize) {
		return v, false
	}
	_, err := hex.Decode(v[:], text)
	return v, err == nil
}

// The fixed parts of a line. What is between them is the body, fields of a JSON object.
const (
	linePrefix = `{"audit":1,"seq":`
	prevName   = `,"prev":"`
	chainName  = `","chain":"`
	lineSuffix = `"}`
	lineTail   = len(prevName) + len(chainName) + len(lineSuffix) + 4*chainSize
)

// chainer computes chain values. It is not safe for concurrent use.
type chainer struct{ mac hash.Hash }

func newChainer(k *Keys) *chainer { return &chainer{hmac.New(sha256.New, k.chain)} }

// appendLine appends the line that follows last, with its newline, and returns its link.
func (c *chainer) appendLine(to []byte, last link, body []byte) ([]byte, link) {
	begin, next := len(to), link{seq: last.seq + 1}
	to = append(to, linePrefix...)
	to = strconv.AppendUint(to, next.seq, 10)
	to = append(append(to, ','), body...)
	to = append(to, prevName...)
	to = hex.AppendEncode(to, last.value[:])
	next.value = c.value(to[begin:])
	to = append(to, chainName...)
	to = hex.AppendEncode(to, next.value[:])
	to = append(to, lineSuffix...)
	return append(to, '\n'), next
}

// value returns the chain value of a line, from all that comes before it in the line.
func (c *chainer) value(text []byte) (v chainValue) {
	c.mac.Reset()
	c.mac.Write(text)
	copy(v[:], c.mac.Sum(nil))
	return v
}

// parsedLine is a line that has the form of an audit line. Its chain value is not checked yet.
type parsedLine struct {
	link

	prev   chainValue
	signed []byte // the text that the chain value stands for
	body   []byte
}

// parseLine parses a line without its newline. It returns false if it is not an audit line.
func parseLine(text []byte) (p parsedLine, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(linePrefix))
	if !ok || len(rest) < lineTail {
		return p, false
	}
	number, body, ok := bytes.Cut(rest[:len(rest)-lineTail], []byte(","))
	seq, err := strconv.ParseUint(string(number), 10, 64)
	if !ok || err != nil || seq == 0 || number[0] == '0' {
		return p, false
	}
	const digits = 2 * chainSize
	tail := rest[len(rest)-lineTail:]
	var parts [2]chainValue
	for i, name := range []string{prevName, chainName} {
		if tail, ok = bytes.CutPrefix(tail, []byte(name)); !ok {
			return p, false
		}
		if parts[i], ok = decodeChain(tail[:digits]); !ok {
			return p, false
		}
		tail = tail[digits:]
	}
	if string(tail) != lineSuffix {
		return p, false
	}
	signed := text[:len(text)-len(chainName)-digits-len(lineSuffix)]
	return parsedLine{link: link{seq, parts[1]}, prev: parts[0], signed: signed, body: body}, true
}

// genuine reports whether the line was written with this key, and was not changed.
func (c *chainer) genuine(p parsedLine) bool {
	want := c.value(p.signed)
	return hmac.Equal(want[:], p.value[:])
}

// fragments stands for incomplete lines. A later line tells of them by their sum, so that they
// cannot be changed or removed either. The zero value stands for none.
type fragments struct {
	size int
	hash hash.Hash
}

func (f *fragments) add(text []byte) {
	if f.hash == nil {
		f.hash = sha256.New()
	}
	f.size += len(text)
	f.hash.Write(text)
}

// sum returns the text that stands for the fragments in a line; "" for none.
func (f *fragments) sum() string {
	if f.size == 0 {
		return ""
	}
	return hex.EncodeToString(f.hash.Sum(nil)[:chainSize])
}
