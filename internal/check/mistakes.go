package check

import (
	"fmt"
	"strconv"

	"credential-resolver/resolver/credential"
)

// mistakes returns what in a config is probably wrong. finished is nil if it cannot be resolved.
func mistakes(config *credential.Config, finished *credential.Credential, guid string) []Finding {
	m := &mistakeList{guid: guid, explicit: config.Explicit}
	if config.SourceUnknown {
		m.add(SourceUnknown, credential.FieldSource, `its credentialSource is neither "direct" nor "agent", and counts as "direct"`)
	}
	switch {
	case config.Explicit:
		for name, v := range config.Fields.All() {
			m.texts(name, name, v, m.literal)
		}
	case finished != nil && !finished.Provenance.NoStore:
		m.origins(finished)
	}
	return m.findings
}

// mistakeList collects the mistakes in one config.
type mistakeList struct {
	guid     string
	explicit bool
	findings []Finding
}

func (m *mistakeList) add(id ID, field, message string) {
	f := newFinding(id, m.guid, message)
	f.Field = field
	m.findings = append(m.findings, f)
}

// origins judges each field by its origin.
func (m *mistakeList) origins(c *credential.Credential) {
	p, used := c.Provenance, c.UsedSecrets()
	for name, origin := range c.Origins() {
		switch {
		case origin.Kind == credential.FromSecret && plainField(name.Name):
			m.add(LiteralReplaced, name.String(), its(name.String())+" is usually no secret, but its value names one and is replaced: "+
				"list it in literalFields, or use explicit references")
		case origin.Kind != credential.FromConfig || credential.HasMeaning(name):
		case origin.LookedUp != credential.NoSecret && p.Secrets[origin.LookedUp].Outcome == credential.SecretFound:
			if !used[origin.LookedUp] {
				f := newFinding(SecretUnused, m.guid, its(name.String())+" names a secret, but nothing of the secret is used, so the value is unchanged; "+
					"to use an entry, name it with an explicit reference")
				f.Field, f.Store, f.Secret = name.String(), p.Secrets[origin.LookedUp].StoreLabel(), string(p.Secrets[origin.LookedUp].Name)
				m.findings = append(m.findings, f)
			}
		default:
			m.texts(name.String(), name.Name, valueOf(c.Fields, name), func(path, name, text string) {
				m.notReplaced(path, name, text, origin.Why == credential.WhyNotReplaced && p.Source == credential.SourceAgent, p.Mode)
			})
		}
	}
}

// valueOf returns the value of a field.
func valueOf(fields credential.Object, name credential.FieldName) credential.Value {
	if name.Within != "" {
		within, _ := fields.Get(name.Within)
		fields, _ = within.Object()
	}
	v, _ := fields.Get(name.Name)
	return v
}

// texts calls each for each text in a value, with its path and the name of its field.
func (m *mistakeList) texts(path, name string, v credential.Value, each func(path, name, text string)) {
	switch v.Kind() {
	case credential.StringKind:
		text, _ := v.Text()
		each(path, name, text)
	case credential.ObjectKind:
		o, _ := v.Object()
		if _, isReference := o.Get("secretKeyRef"); isReference && o.Len() == 1 {
			if !m.explicit {
				m.ignored(path)
			}
			return
		}
		for inner, v := range o.All() {
			m.texts(path+"."+inner, inner, v, each)
		}
	case credential.ArrayKind:
		for i, v := range v.Elements() {
			m.texts(path+"["+strconv.Itoa(i)+"]", name, v, each)
		}
	default:
	}
}

// literal judges a text of a config with explicit references.
func (m *mistakeList) literal(path, name, text string) {
	if !isReferenceText(text) && (secretField(name) || isSecretText(text)) {
		m.plainText(path, text)
	}
}

// notReplaced judges a text that is answered as it is. asked tells that it could have been replaced.
func (m *mistakeList) notReplaced(path, name, text string, asked bool, mode credential.SecretMode) {
	switch {
	case isReferenceText(text):
		m.ignored(path)
	case isSecretText(text), secretField(name) && !asked:
		m.plainText(path, text)
	case !secretField(name), text == "", isPlaceholder(text):
	case mode == credential.MultiKey:
		m.add(LookupMissing, path, its(path)+" looks like a secret, but the bundle has no entry with its value as the name: "+
			"an entry is missing, or the value is a secret in plain text")
	default:
		m.add(LookupMissing, path, its(path)+" looks like a secret, but its value names none: "+
			"a secret is missing, or the value is a secret in plain text")
	}
}

func (m *mistakeList) plainText(path, text string) {
	if text != "" && !isPlaceholder(text) {
		m.add(PlainText, path, its(path)+" looks like a secret, and is in the config as plain text")
	}
}

func (m *mistakeList) ignored(path string) {
	m.add(ReferenceIgnored, path, its(path)+" has a reference that is not replaced: "+
		`add "references": "explicit" to the config's "credential-resolver"`)
}

// its returns words for a field, to begin a message with.
func its(field string) string { return "its field " + credential.QuoteName(field) }

func malformedGUID(guid string) Finding {
	return newFinding(GUIDMalformed, guid, "no application can ask for it: malformed GUID: "+credential.GUIDRule)
}

func sharedValue(guid string, secret storedSecret, first owner) Finding {
	f := newFinding(ValueShared, guid, fmt.Sprintf("one of its secrets has the same value as %q in %s, which %q uses",
		first.secret.name, first.secret.store, first.guid))
	f.Store, f.Secret = secret.store, secret.name
	return f
}

func valuesLeftOut() Finding {
	return newFinding(ValuesLeftOut, "", fmt.Sprintf("not all secrets were compared: there are more than %d values", maxRemembered))
}
