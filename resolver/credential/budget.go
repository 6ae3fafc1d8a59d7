package credential

import "math"

// maxCredential is the maximum size of a finished credential when it is encoded, in bytes:
// the largest message that daprd accepts from a component (section 4, Bounds).
const maxCredential = 4 << 20

// maxFiltered is the maximum number of bytes that the filters of one credential may read and
// write. The result of a filter may be longer than the final value.
const maxFiltered = 4 * maxCredential

// budget counts the bytes that a credential may still take. It counts the shortest encoding,
// so that a credential is refused only if no format can hold it: the name and text of each
// field that is not null. Everything that makes a value longer charges the budget first.
type budget struct{ left, filtered int }

func newBudget() *budget { return &budget{maxCredential, maxFiltered} }

// CheckSize fails with an [*Error] of kind TooLarge if a credential is larger than 4 MiB
// (section 4, Bounds).
func CheckSize(fields Object) error { return newBudget().credential(fields) }

// charge takes n bytes from the budget.
func (b *budget) charge(n int) error { return take(&b.left, n) }

// filter takes n bytes from the budget of the filters.
func (b *budget) filter(n int) error { return take(&b.filtered, n) }

func take(left *int, n int) error {
	if n > *left {
		return &Error{Kind: TooLarge, Reason: "with its secrets it is larger than the runtime's limit of 4 MiB, " +
			"even if only some fields are requested: refer to fewer or smaller secrets, or split it into several credentials"}
	}
	*left -= n
	return nil
}

// credential charges the fields of a credential.
func (b *budget) credential(fields Object) error {
	for _, f := range fields.fields {
		if f.Value.kind == NullKind {
			continue // a flat answer leaves it out
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

// text charges the length of [Value.AsText].
func (b *budget) text(v Value) error {
	if v.kind == StringKind {
		return b.charge(len(v.text))
	}
	return b.json(v)
}

// json charges the length of the value's JSON.
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

// object charges the length of the object's JSON. It stops as soon as the budget is used up,
// because the same long text may occur many times in the object.
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

// quoted charges the length of a string's JSON. It does not scan a string that is too long
// already.
func (b *budget) quoted(s string) error {
	if err := b.charge(len(s) + len(`""`)); err != nil {
		return err
	}
	return b.charge(escapes(s))
}

// escapes returns by how many bytes a string grows as JSON. Bytes that are not UTF-8 do not
// grow: such a string is never encoded.
func escapes(s string) int {
	more := 0
	for i := range len(s) {
		more += int(escapedBy[s[i]])
	}
	return more
}

// escapedBy holds by how many bytes each byte grows.
var escapedBy = func() (by [256]uint8) {
	for c := range ' ' {
		by[c] = uint8(len(`\u0000`) - 1)
	}
	for _, c := range "\"\\\b\f\n\r\t" {
		by[c] = uint8(len(`\n`) - 1)
	}
	return by
}()

// TextSize returns the length of [Value.AsText], in bytes.
func (v Value) TextSize() int {
	if v.object == nil && v.kind != NullKind {
		return len(v.text)
	}
	return v.JSONSize()
}

// JSONSize returns the number of bytes that [Value.AppendJSON] appends.
func (v Value) JSONSize() int {
	b := budget{left: math.MaxInt}
	_ = b.json(v) // cannot fail with this budget
	return math.MaxInt - b.left
}

// JSONSize returns the number of bytes that [Object.AppendJSON] appends.
func (o Object) JSONSize() int {
	b := budget{left: math.MaxInt}
	_ = b.object(o)
	return math.MaxInt - b.left
}
