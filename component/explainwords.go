package component

import (
	"slices"
	"strings"

	"credential-resolver/resolver/credential"
)

// The values of [Read].Freshness.
const (
	Fresh  = "fresh"
	Cached = "cached"
	Stale  = "stale"
)

// whyMode returns why the credential has its mode.
func (e *explainer) whyMode() string {
	switch {
	case e.p == nil:
		return "not known: it comes from an earlier process of the component; metadata.refresh=true reads it again"
	case e.p.NoStore:
		return "the Component has no secret store for it, so the credential is the config"
	case e.p.Explicit:
		return `its "credential-resolver" has "references": "explicit"`
	case e.p.SourceUnknown:
		return `its credentialSource is neither "direct" nor "agent", and counts as "direct": one secret, named like the GUID`
	case e.p.Source == credential.SourceDirect:
		return `its credentialSource is "direct" or absent: one secret, named like the GUID`
	case e.p.Mode == credential.MultiKey:
		return `its credentialSource is "agent", and it has a secret-path: one secret with all values` + e.nothingReplaced()
	default:
		return `its credentialSource is "agent", and it has no secret-path: each value may name a secret` + e.nothingReplaced()
	}
}

// nothingReplaced tells that metadata unresolved allowed an agent credential.
func (e *explainer) nothingReplaced() string {
	asked := false
	for name, origin := range e.answer.Origins() {
		if origin.Secret != credential.NoSecret {
			return ""
		}
		asked = asked || origin.Why == credential.WhyNotReplaced && !credential.HasMeaning(name)
	}
	if !asked {
		return "; it has no value to replace"
	}
	return "; no value was replaced (unresolved: allow)"
}

func originWord(kind credential.OriginKind) string {
	switch kind {
	case credential.FromDirect:
		return "direct"
	case credential.FromBundle:
		return "bundle"
	case credential.FromSecret:
		return "secret"
	case credential.FromReference:
		return "reference"
	default:
		return "literal"
	}
}

// whyField returns what the origin of a field does not say.
func (e *explainer) whyField(o credential.FieldOrigin) string {
	switch o.Why {
	case credential.WhyOnlyEntry:
		return "the only entry of the secret"
	case credential.WhyDefault:
		return "the default: " + e.noValue(o)
	case credential.WhyLeftOut:
		return "left out, because it is optional: " + e.noValue(o)
	case credential.WhyNotText:
		return "not a text, or empty"
	case credential.WhyMeaning:
		return "not looked up: credentialSource and secret-path never are"
	case credential.WhyLiteralField:
		return "not looked up: literalFields"
	case credential.WhyNotLookupField:
		return "not looked up: not in lookupFields"
	case credential.WhyNotAName:
		return "not looked up: cannot be the name of a secret"
	case credential.WhyNotReplaced:
		return e.whyNotReplaced(o)
	default:
		return e.whyNormal(o)
	}
}

// noValue returns why a reference has no value.
func (e *explainer) noValue(o credential.FieldOrigin) string {
	if e.p.Secrets[o.Secret].Outcome == credential.SecretFound {
		return "the secret has no such entry"
	}
	return "there is no such secret"
}

func (e *explainer) whyNotReplaced(o credential.FieldOrigin) string {
	switch {
	case e.p.Source == credential.SourceDirect && e.p.Secrets[0].Outcome == credential.SecretFound:
		return "the secret has no entry of this name"
	case e.p.Source == credential.SourceDirect && e.p.Secrets[0].Outcome == credential.SecretMissing:
		return "no secret is named like the GUID"
	case e.p.Source == credential.SourceDirect:
		return "the secret store cannot have a secret that is named like the GUID"
	case e.p.Mode == credential.MultiKey:
		return "the bundle has no entry with this value as its name"
	}
	switch e.p.Secrets[o.LookedUp].Outcome {
	case credential.SecretFound:
		if e.used[o.LookedUp] {
			return "looked up: the secret has no entry for it, but for other fields"
		}
		return "looked up: there is such a secret, but nothing of it is used"
	case credential.SecretRefused:
		return "looked up: the secret store refused it (deniedProbe: literal)"
	case credential.SecretNotAllowed:
		return "not looked up: not in allowedSecrets (deniedProbe: literal)"
	case credential.SecretKnownLiteral:
		return "looked up before: there was no such secret"
	default:
		return "looked up: there is no such secret"
	}
}

func (e *explainer) whyNormal(o credential.FieldOrigin) string {
	switch {
	case o.Kind == credential.FromSecret && o.LookedUp != o.Secret:
		return "an entry of a secret that another field names"
	case o.Kind != credential.FromConfig && o.Kind != credential.FromReference && e.p.Secrets[o.Secret].IsObject:
		return "a field of the JSON object that the secret is"
	case o.Kind != credential.FromConfig:
		return ""
	case e.p.NoStore:
		return "no secret store"
	default:
		return "not a reference"
	}
}

// wantedFields returns which fields of an explanation belong to the paths that a request asks for:
// those under a path, and those that a path leads into. Nil: all.
func wantedFields(fields credential.Object, paths []string) func(credential.FieldName) bool {
	if paths == nil {
		return func(credential.FieldName) bool { return true }
	}
	isField := func(path string) bool {
		_, ok := fields.Get(path)
		return ok
	}
	return func(name credential.FieldName) bool {
		row := name.String()
		whole := name.Within == "" && isField(name.Name) // and not a part of a field
		return slices.ContainsFunc(paths, func(path string) bool {
			switch {
			case isField(path): // goes first, also if its own name has a dot
				return whole && row == path || !whole && isUnder(row, path)
			case whole:
				return isUnder(path, row)
			default:
				return row == path || isUnder(row, path) || isUnder(path, row)
			}
		})
	}
}

// isUnder tells whether a path leads to a part of the value under another path.
func isUnder(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "["))
}
