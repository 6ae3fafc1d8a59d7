package resolver

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textPart is a part of a string: text as it is, or a reference with its filters.
type textPart struct {
	literal string
	ref     *reference // nil for a literal
	filters []filter
}

// escape and opening are what a literal "${" and a reference begin with.
const (
	opening = "${"
	escape  = "$${"
)

// EscapeReferences returns the string that stands for s where references are
// explicit: one in which nothing is a reference.
func EscapeReferences(s string) string { return strings.ReplaceAll(s, opening, escape) }

// readText reads a string with references in it: name#key between "${" and "}", or
// name alone for the only entry, with filters after it. It returns nil for a string
// that means itself.
func readText(at *fieldPath, s string) ([]textPart, error) {
	if !strings.Contains(s, opening) {
		return nil, nil
	}
	var parts []textPart
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

// readPart reads what stands between the braces. A name or a key with one of # | { }
// in it, or a blank at an end, can only be written as a secretKeyRef.
func readPart(at *fieldPath, body string) (textPart, error) {
	target, filters, filtered := strings.Cut(body, "|")
	part := textPart{}
	if filtered {
		for name := range strings.SplitSeq(filters, "|") {
			f := filterNamed(name)
			if slices.Contains(plannedFilters, name) {
				return textPart{}, malformedText(at, "has the filter "+name+", which is not supported yet")
			}
			if f == nil {
				return textPart{}, malformedText(at, "has a filter that is none of urlquery, base64, json")
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
		return textPart{}, malformedText(at, "has a blank beside its name or key")
	}
	part.ref = &reference{at: at, name: name, key: key}
	return part, nil
}

func blankAtAnEnd(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsSpace(first) || unicode.IsSpace(last)
}

func malformedText(at *fieldPath, why string) *Error {
	return precondition(at.its()+` has a "${…}" that `+why+` ("$${" is a literal "${")`, nil)
}

// fill returns the part's text. Null has none: it is as missing.
func (p textPart) fill(found found) (string, error) {
	if p.ref == nil {
		return p.literal, nil
	}
	v, _, err := found.value(p.ref)
	if err != nil {
		return "", err
	}
	if v.kind == NullKind {
		return "", p.ref.notFound("an entry that is null")
	}
	for _, f := range p.filters {
		if v, err = f(v); err != nil {
			return "", notUTF8(p.ref.at, err)
		}
	}
	text, err := v.AsText()
	if err != nil {
		return "", notUTF8(p.ref.at, err)
	}
	return text, nil
}

func notUTF8(at *fieldPath, cause error) *Error {
	return precondition(at.its()+" would hold what is not valid UTF-8", cause)
}
