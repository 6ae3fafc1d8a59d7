package main

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
)

// testCase is one credential. hasConfig is false if its config does not exist.
type testCase struct {
	guid      string
	config    string
	hasConfig bool
}

// secrets are the entries of each secret, as in the secrets file.
type secrets map[string]map[string]string

// outcome is a credential or a failure: a code of section 5 in DESIGN.md. The original has only
// one code, "error".
type outcome struct {
	credential *object
	code       string
}

func failed(code codes.Code) outcome { return outcome{code: code.String()} }

func (o outcome) failed() bool { return o.code != "" }

// model implements section 4 again with plain loops. With the departures that a version follows
// it behaves like that version, and with all of them like our component. unresolved is allow.
type model struct {
	secrets secrets
	version int
	on      map[departure]bool
}

func (m model) resolve(c testCase) outcome {
	if m.on[malformedGUID] && !wellFormed(c.guid) {
		return failed(codes.InvalidArgument)
	}
	text := c.config
	if !c.hasConfig {
		if m.on[noConfig] {
			return failed(codes.NotFound)
		}
		text = "{}"
	}
	if m.on[largeConfig] && len(text) > 1<<20 {
		return failed(codes.FailedPrecondition)
	}
	value, err := decode(text)
	config, ok := value.(*object)
	if err != nil || !ok {
		return failed(codes.FailedPrecondition)
	}
	return m.credential(c.guid, config)
}

func (m model) credential(guid string, config *object) outcome {
	source, _ := config.get("credentialSource")
	path, _ := config.get("secret-path")
	if m.on[oddPath] && path != nil && !isString(path) {
		return failed(codes.FailedPrecondition)
	}
	var data *object
	if source != "agent" {
		data = m.bundle(guid)
		if m.on[emptyBundle] && missing(data) {
			data = &object{}
		}
		for _, f := range data.fields {
			config.set(f.name, f.value)
		}
		return outcome{credential: m.withoutOwn(config)}
	}
	if truthy(path) {
		name, ok := path.(string) // version 2 only logs that anything else is an invalid name
		if m.version == 3 && !ok {
			return failed(codes.Unknown)
		}
		data = m.bundle(name)
		if m.on[noBundle] && missing(data) {
			return failed(codes.NotFound)
		}
	} else {
		data = m.lookUp(config)
		if m.on[literalFields] {
			m.substituteReferences(config, data)
			return outcome{credential: m.withoutOwn(config)}
		}
	}
	m.substitute(config, data)
	return outcome{credential: m.withoutOwn(config)}
}

func (m model) withoutOwn(config *object) *object {
	if i := config.index("credential-resolver"); i >= 0 && m.on[ownField] {
		config.fields = append(config.fields[:i:i], config.fields[i+1:]...)
	}
	return config
}

// bundle returns a secret after step 6. A missing one has no entries.
func (m model) bundle(name string) *object {
	entries := m.secrets[name]
	data := &object{}
	for entry, text := range entries {
		data.set(entry, text)
		if value, err := decode(text); err == nil && len(entries) == 1 {
			if o, ok := value.(*object); ok {
				return o
			}
		}
	}
	return data
}

func (m model) lookUp(config *object) *object {
	collected, alone := &object{}, &object{}
	for _, value := range m.values(config) {
		var kept []field
		for _, f := range m.bundle(value).fields {
			if f.value != nil && f.value != "" {
				kept = append(kept, f)
				collected.set(f.name, f.value)
			}
		}
		if len(kept) == 1 && !isObject(kept[0].value) {
			alone.set(value, kept[0].value)
		}
	}
	for _, f := range alone.fields {
		if _, ok := collected.get(f.name); !ok && m.on[onlyEntry] {
			collected.set(f.name, f.value)
		}
	}
	return collected
}

// values returns the strings to look up, in order. Blank strings are skipped, and in version 3
// those that were there before.
func (m model) values(config *object) (values []string) {
	add := func(value any) {
		if s, ok := value.(string); ok && strings.TrimSpace(s) != "" && (!m.on[noName] || canBeName(s)) &&
			(m.on[mergedTwice] || !slices.Contains(values, s)) {
			values = append(values, s)
		}
	}
	for _, f := range config.fields {
		if m.on[reserved] && (f.name == "credentialSource" || f.name == "secret-path") {
			continue
		}
		if !m.literal(f.name) {
			add(f.value)
		}
		if extra, ok := f.value.(*object); ok && f.name == "extra" {
			for _, f := range extra.fields {
				add(f.value)
			}
		}
	}
	return values
}

func (m model) substitute(config, data *object) {
	extra, _ := config.get("extra")
	replace(config, data)
	if !m.on[singlePass] {
		extra, _ = config.get("extra")
	}
	if extra, ok := extra.(*object); ok {
		replace(extra, data)
	}
}

// substituteReferences is substitute without the literal fields.
func (m model) substituteReferences(config, data *object) {
	kept := map[string]any{}
	for _, f := range config.fields {
		if m.literal(f.name) && isString(f.value) {
			kept[f.name] = f.value
		}
	}
	m.substitute(config, data)
	for name, value := range kept {
		config.set(name, value)
	}
}

// literal reports whether a top-level field is never a reference.
func (m model) literal(name string) bool {
	return m.on[literalFields] && slices.Contains(literalNames, name)
}

func replace(o, data *object) {
	for i, f := range o.fields {
		if s, ok := f.value.(string); ok {
			if value, ok := data.get(s); ok {
				o.fields[i].value = value
			}
		}
	}
}

// missing reports whether a secret has no non-empty entry.
func missing(data *object) bool {
	for _, f := range data.fields {
		if f.value != nil && f.value != "" {
			return false
		}
	}
	return true
}

func isString(value any) bool { _, ok := value.(string); return ok }

// isObject reports whether an entry is a JSON object, or the text of one.
func isObject(value any) bool {
	if s, ok := value.(string); ok {
		value, _ = decode(s)
	}
	_, ok := value.(*object)
	return ok
}

// truthy follows Python's rule.
func truthy(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, _ := v.Float64()
		return f != 0
	case []any:
		return len(v) > 0
	default:
		return len(v.(*object).fields) > 0
	}
}

func wellFormed(guid string) bool {
	return guid != "" && strings.Trim(guid, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func canBeName(s string) bool {
	if s == "" || len(s) > 512 || s[0] == '/' || strings.ContainsAny(s, `?#%\`) {
		return false
	}
	for _, segment := range strings.Split(s, "/") {
		if segment == ".." {
			return false
		}
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}
