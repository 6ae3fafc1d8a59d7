package credential

import "math"

// maxCredential is the most bytes that a finished credential may take, encoded: the
// largest message that the runtime takes from a component (section 4, Bounds).
const maxCredential = 4 << 20

// maxFiltered is the most bytes that the filters of one credential may work through:
// what one of them makes may be longer than what becomes of it in the end.
const maxFiltered = 4 * maxCredential

// budget is what is left of the bytes that one credential may take. They are those of
// its shortest encoding, so that nothing is refused that could be answered in any form:
// of each field that is not null its name and its text, without what a form puts around
// them. Whatever makes a value longer charges the budget first.
type budget struct{ left, filtered int }

func newBudget() *budget { return &budget{maxCredential, maxFiltered} }

// checkSize refuses a credential that is larger than the runtime takes.
func CheckSize(fields Object) error { return newBudget().credential(fields) }

// charge takes n bytes off the budget.
func (b *budget) charge(n int) error { return take(&b.left, n) }

// filter takes off what a filter reads and makes.
func (b *budget) filter(n int) error { return take(&b.filtered, n) }

func take(left *int, n int) error {
	if n > *left {
		return &Error{Kind: TooLarge, Reason: "with its secrets it is larger than the 4 MiB that the runtime takes, " +
			"whichever fields are asked for: refer to fewer or smaller secrets, or split it into several credentials"}
	}
	*left -= n
	return nil
}

// credential charges the fields of a credential.
func (b *budget) credential(fields Object) error {
	for _, f := range fields.fields {
		if f.Value.kind == NullKind {
			continue // no entry of a flat answer
		}
		if err := b.charge(len(f.Name)); err != nil {
			return err
		}
		if err := b.text(f.Value); err != nil {
			return err
		}
	}
	return nil
}

// text charges what [Value.AsText] makes of a value.
func (b *budget) text(v Value) error {
	if v.kind == StringKind {
		return b.charge(len(v.text))
	}
	return b.json(v)
}

// json charges the value's JSON.
func (b *budget) json(v Value) error {
	switch {
	case v.kind == NullKind:
		return b.charge(len("null"))
	case v.kind == StringKind:
		return b.quoted(v.text)
	case v.object != nil:
		return b.object(*v.object)
	default:
		return b.charge(len(v.text))
	}
}

// object charges the object's JSON. It looks at no more of it than there is budget for:
// in an object that was made, the same long text may stand many times.
func (b *budget) object(o Object) error {
	if err := b.charge(len("{}") + max(0, len(o.fields)-1)); err != nil { // the commas
		return err
	}
	for _, f := range o.fields {
		if err := b.quoted(f.Name); err != nil {
			return err
		}
		if err := b.charge(len(":")); err != nil {
			return err
		}
		if err := b.json(f.Value); err != nil {
			return err
		}
	}
	return nil
}

// quoted charges a string's JSON, and looks at none that would be too long unquoted.
func (b *budget) quoted(s string) error {
	if err := b.charge(len(s) + len(`""`)); err != nil {
		return err
	}
	return b.charge(escapes(s))
}

// escapes returns by how many bytes a string grows when it is quoted as JSON. What is
// not UTF-8 in it counts as it is: it is never quoted.
func escapes(s string) int {
	more := 0
	for i := range len(s) {
		more += int(escapedBy[s[i]])
	}
	return more
}

// escapedBy is by how many bytes each byte grows.
var escapedBy = func() (by [256]uint8) {
	for c := range ' ' {
		by[c] = uint8(len(`\u0000`) - 1)
	}
	for _, c := range "\"\\\b\f\n\r\t" {
		by[c] = uint8(len(`\n`) - 1)
	}
	return by
}()

// TextSize returns how long the text is that [Value.AsText] returns.
func (v Value) TextSize() int {
	if v.object == nil && v.kind != NullKind {
		return len(v.text)
	}
	return v.JSONSize()
}

// JSONSize returns how many bytes [Value.AppendJSON] appends.
func (v Value) JSONSize() int {
	b := budget{left: math.MaxInt}
	_ = b.json(v) // which is within that
	return math.MaxInt - b.left
}

// JSONSize returns how many bytes [Object.AppendJSON] appends.
func (o Object) JSONSize() int {
	b := budget{left: math.MaxInt}
	_ = b.object(o)
	return math.MaxInt - b.left
}
