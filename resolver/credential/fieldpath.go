package credential

import "strconv"

// fieldPath is the path of a value in a config, such as extra.list[2]. It links to the path
// of its container, so that a deep config needs no long copies. Nil is the path of the config
// itself.
type fieldPath struct {
	within *fieldPath
	name   string
	index  int // of an element; -1 for a field
}

// field returns the path of a field in the object at p.
func (p *fieldPath) field(name string) *fieldPath { return &fieldPath{p, name, -1} }

// clone returns a copy on the heap. Most paths are never needed there.
func (p fieldPath) clone() *fieldPath { return &p }

// String returns the path with dots and brackets. Of a long path it returns only the end, and
// of a long name within it only the beginning.
func (p *fieldPath) String() string {
	if p != nil && p.within == nil {
		return p.name
	}
	text := ""
	at := p
	for ; at != nil && len(text) < maxQuoted; at = at.within {
		switch {
		case at.index >= 0:
			text = "[" + strconv.Itoa(at.index) + "]" + text
		case at.within == nil:
			text = shortName(at.name) + text
		default:
			text = "." + shortName(at.name) + text
		}
	}
	if at != nil {
		return "…" + text
	}
	return text
}

// its returns words for the field in an error.
func (p *fieldPath) its() string { return "its field " + QuoteName(p.String()) }
