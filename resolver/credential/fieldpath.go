package credential

import "strconv"

// fieldPath is where in a config a value stands, such as extra.list[2]: the way up
// from it, so that going down a deep config costs nothing. Nil is the config itself.
type fieldPath struct {
	within *fieldPath
	name   string
	index  int // of an element, if it is one; else -1
}

// field returns the place of a field in an object.
func (p *fieldPath) field(name string) *fieldPath { return &fieldPath{p, name, -1} }

// kept returns the place for good. Few of the places in a config are needed for long.
func (p fieldPath) kept() *fieldPath { return &p }

// String returns the path, with dots and brackets. From a deep place it is the end of
// it: who reads it needs some, and it is made of names that may have any length.
func (p *fieldPath) String() string {
	text := ""
	at := p
	for ; at != nil && len(text) < maxQuoted; at = at.within {
		switch {
		case at.index >= 0:
			text = "[" + strconv.Itoa(at.index) + "]" + text
		case at.within == nil:
			text = at.name + text
		default:
			text = "." + at.name + text
		}
	}
	if at != nil {
		return "…" + text
	}
	return text
}

// its returns the words for the field at a place, for an error.
func (p *fieldPath) its() string { return "its field " + QuoteName(p.String()) }
