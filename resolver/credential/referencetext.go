package credential

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textPart is a part of a string: literal text, or a reference with its filters.
type textPart struct {
	literal string
	ref     *ExplicitReference // nil for a literal
	filters []filter
}

// opening begins a reference in a string, and escape stands for a literal "${".
const (
	opening = "${"
	escape  = "$${"
)

// EscapeReferences returns s with each "${" escaped, so that it contains no explicit
// reference.
func EscapeReferences(s string) string { return strings.ReplaceAll(s, opening, escape) }

// readText parses a string with references: "${name#key}", or "${name}" for the only entry,
// each with optional filters.
func readText(at *fieldPath, s string) ([]textPart, error) {
	parts := make([]textPart, 0, 2*strings.Count(s, opening)+1) // each reference with a literal before it
	var last *ExplicitReference
	for {
		before, after, found := strings.Cut(s, opening)
		if !found {
			return addLiteral(parts, s), nil
		}
		if rest, isEscape := strings.CutSuffix(before, "$"); isEscape {
			parts = addLiteral(addLiteral(parts, rest), opening)
			s = after
			continue
		}
		body, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, malformedText(at, `is not closed by "}"`)
		}
		part, err := readPart(at, body)
		if err != nil {
			return nil, err
		}
		if last != nil && last.Name == part.ref.Name && last.key == part.ref.key {
			part.ref = last // one reference for repeated text
		}
		last = part.ref
		parts = append(addLiteral(parts, before), part)
		s = rest
	}
}

func addLiteral(parts []textPart, literal string) []textPart {
	if literal == "" {
		return parts
	}
	return append(parts, textPart{literal: literal})
}

// readPart parses the text between the braces. A name or key with one of # | { } in it, or
// with a space at either end, needs a secretKeyRef instead.
func readPart(at *fieldPath, body string) (textPart, error) {
	target, filters, filtered := strings.Cut(body, "|")
	part := textPart{}
	if filtered {
		for name := range strings.SplitSeq(filters, "|") {
			f, ok := filterNamed(name)
			if slices.Contains(plannedFilters, name) {
				return textPart{}, malformedText(at, "has the filter "+name+", which is not supported yet")
			}
			if !ok {
				return textPart{}, malformedText(at, "has an unknown filter; the known filters are urlquery, base64, json")
			}
			part.filters = append(part.filters, f)
		}
	}
	name, key, hasKey := strings.Cut(target, "#")
	switch {
	case name == "":
		return textPart{}, malformedText(at, "has no name")
	case hasKey && key == "":
		return textPart{}, malformedText(at, `has no key after "#"`)
	case strings.ContainsAny(key, "#") || strings.ContainsAny(target, "{"):
		return textPart{}, malformedText(at, `has a second "#" or a "{" in it`)
	case blankAtAnEnd(name) || blankAtAnEnd(key):
		return textPart{}, malformedText(at, "has white space before or after its name or key")
	}
	part.ref = &ExplicitReference{at: at, Name: name, key: key}
	return part, nil
}

func blankAtAnEnd(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsSpace(first) || unicode.IsSpace(last)
}

func malformedText(at *fieldPath, why string) *Error {
	return Precondition(at.its()+` has a "${…}" that `+why+` (for a literal "${", write "$${")`, nil)
}

// append charges the budget and then appends the text of the part. Null has no text, and
// counts as missing.
func (p textPart) append(dst []byte, found Found, b *budget) ([]byte, error) {
	if p.ref == nil {
		if err := b.charge(len(p.literal)); err != nil {
			return dst, err
		}
		return append(dst, p.literal...), nil
	}
	v, _, err := found.value(p.ref)
	if err != nil {
		return dst, err
	}
	if v.kind == NullKind {
		return dst, p.ref.notFound(found[p.ref], "an entry that is null")
	}
	for _, f := range p.filters {
		if v, err = f.apply(v, b); err != nil {
			return dst, notUTF8(p.ref.at, err)
		}
	}
	if err := b.charge(v.TextSize()); err != nil {
		return dst, err
	}
	text, err := v.AsText()
	if err != nil {
		return dst, notUTF8(p.ref.at, err)
	}
	return append(dst, text...), nil
}

// notUTF8 adds the field to [ErrNotUTF8]; any other error stays as it is.
func notUTF8(at *fieldPath, cause error) error {
	if !errors.Is(cause, ErrNotUTF8) {
		return cause
	}
	return Precondition(at.its()+" would not be valid UTF-8", cause)
}
