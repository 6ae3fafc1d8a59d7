package credential

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// escaper escapes the strings in an object or an array; all else stays as written.
type escaper struct {
	text     string
	named    func(string) bool
	out      string
	collides bool // one of the strings is a name
}

func (e *escaper) run(at *fieldPath) error {
	d := jsontext.NewDecoder(strings.NewReader(e.text), jsontext.AllowDuplicateNames(true))
	var out strings.Builder
	copied := int64(0)
	for {
		within, n := d.StackIndex(d.StackDepth())
		isName := within == jsontext.KindBeginObject && n%2 == 0
		if d.PeekKind() != jsontext.KindString {
			if _, err := d.ReadToken(); err != nil { // the end: it has been read as JSON before
				out.WriteString(e.text[copied:])
				e.out = out.String()
				return nil
			}
			continue
		}
		written, err := d.ReadValue()
		if err != nil {
			return unreadable(*at, err)
		}
		end := d.InputOffset()
		begin := end - int64(len(written))
		v, err := parseValue(written)
		switch {
		case err != nil:
			return unreadable(*at, err)
		case isName && v.text == refWord:
			return inexpressible(at)
		case isName:
			continue
		}
		e.collides = e.collides || e.named(v.text)
		if strings.Contains(v.text, opening) {
			quoted, err := appendQuoted(nil, EscapeReferences(v.text))
			if err != nil {
				return unreadable(*at, err)
			}
			out.WriteString(e.text[copied:begin])
			out.Write(quoted)
			copied = end
		}
	}
}
