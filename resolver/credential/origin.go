package credential

import "iter"

// OriginKind tells what the value of a field comes from.
type OriginKind uint8

// The kinds of origin.
const (
	// FromConfig is a literal: the value of the config.
	FromConfig OriginKind = iota + 1
	// FromDirect is an entry of the secret that is named like the GUID.
	FromDirect
	// FromBundle is an entry of the secret under secret-path.
	FromBundle
	// FromSecret is an entry of a looked-up secret.
	FromSecret
	// FromReference is an explicit reference (section 10), or its default.
	FromReference
)

// Why tells why a value comes from its origin.
type Why uint8

// The reasons.
const (
	// WhyNormal needs no explanation.
	WhyNormal Why = iota
	// WhyOnlyEntry is the only entry of the secret that the value names (section 4, end of step
	// 5).
	WhyOnlyEntry
	// WhyDefault is the default of a reference without a value.
	WhyDefault
	// WhyLeftOut is an optional reference without a value: the field is left out.
	WhyLeftOut

	// The reasons below are those of a literal.

	// WhyNotText is a value that is no string, or an empty one.
	WhyNotText
	// WhyMeaning is credentialSource or secret-path, which are never looked up.
	WhyMeaning
	// WhyLiteralField is a field that literalFields excludes (section 2).
	WhyLiteralField
	// WhyNotLookupField is a field that is not in lookupFields (section 2).
	WhyNotLookupField
	// WhyNotAName is a value that cannot be the name of a secret (section 4, step 5).
	WhyNotAName
	// WhyNotReplaced is a value that names no entry of the secrets, or a field that the secret of
	// a direct credential does not have.
	WhyNotReplaced
	// WhyParts is not about a field, but about the object "extra": its fields follow.
	WhyParts
)

// NoSecret is the index of no secret.
const NoSecret = -1

// FieldOrigin tells where the value of one field comes from.
type FieldOrigin struct {
	// Secret is the index, in [Provenance].Secrets, of the secret that the value comes from.
	// LookedUp is that of the secret with the name that the config has as the value.
	Secret, LookedUp int32
	Kind             OriginKind
	Why              Why
}

// literalOrigin returns the origin of a value of the config.
func literalOrigin(why Why) FieldOrigin { return FieldOrigin{NoSecret, NoSecret, FromConfig, why} }

// FieldOrigins are the origins of the fields of a credential without explicit references, in
// little memory.
type FieldOrigins struct {
	whys    []Why
	secrets []lookups // only of a single-key credential
}

// lookups are two indices of [Provenance].Secrets.
type lookups struct{ secret, lookedUp int32 }

// NewFieldOrigins returns no origins, with room for those of n fields.
func NewFieldOrigins(n int) FieldOrigins { return FieldOrigins{whys: make([]Why, 0, n)} }

// Add adds the origin of the next field of a direct credential, or of one with a bundle.
func (o *FieldOrigins) Add(why Why) { o.whys = append(o.whys, why) }

// AddLookedUp adds the origin of the next field of a single-key credential; see [FieldOrigin].
func (o *FieldOrigins) AddLookedUp(why Why, secret, lookedUp int32) {
	if o.secrets == nil {
		o.secrets = make([]lookups, 0, cap(o.whys))
	}
	o.whys, o.secrets = append(o.whys, why), append(o.secrets, lookups{secret, lookedUp})
}

// IsParts tells whether a field of an agent config is the object "extra", whose fields may be
// replaced. Their origins follow that of "extra", which is WhyParts.
func IsParts(name FieldName, v Value) bool {
	return name.Within == "" && name.Name == FieldExtra && v.kind == ObjectKind
}

// ReferenceOrigin is the origin of a value, at any depth, that is or has an explicit reference.
type ReferenceOrigin struct {
	FieldOrigin

	gone  bool   // its top-level field is left out
	field int32  // index of its top-level field in the config
	path  string // of the value
}

// Origins yields the fields of the credential with their origins, in the order of the config. It
// yields the fields of an object one by one if each has an origin of its own, and a value with
// several explicit references once for each. Without a Provenance, it yields nothing.
func (c *Credential) Origins() iter.Seq2[FieldName, FieldOrigin] {
	return func(yield func(FieldName, FieldOrigin) bool) {
		switch p := c.Provenance; {
		case p == nil:
		case p.NoStore:
			for name := range c.Fields.All() {
				if !yield(FieldName{"", name}, literalOrigin(WhyNormal)) {
					return
				}
			}
		case p.Explicit:
			p.explicitOrigins(c.Fields, yield)
		default:
			p.fieldOrigins(c.Fields, yield)
		}
	}
}

// UsedSecrets tells, for each secret of [Provenance].Secrets, whether a field comes from it.
func (c *Credential) UsedSecrets() []bool {
	if c.Provenance == nil {
		return nil
	}
	used := make([]bool, len(c.Provenance.Secrets))
	for _, origin := range c.Origins() {
		if origin.Secret != NoSecret {
			used[origin.Secret] = true
		}
	}
	return used
}

func (p *Provenance) fieldOrigins(fields Object, yield func(FieldName, FieldOrigin) bool) {
	next := 0
	for name, v := range fields.All() {
		origin := p.origin(next)
		next++
		if origin.Why != WhyParts {
			if !yield(FieldName{"", name}, origin) {
				return
			}
			continue
		}
		parts, _ := v.Object()
		for inner := range parts.All() {
			if !yield(FieldName{name, inner}, p.origin(next)) {
				return
			}
			next++
		}
	}
}

// origin returns the origin with an index.
func (p *Provenance) origin(i int) FieldOrigin {
	o := literalOrigin(p.Fields.whys[i])
	replaced := o.Why < WhyNotText
	switch {
	case p.Mode == SingleKey:
		o.Secret, o.LookedUp = p.Fields.secrets[i].secret, p.Fields.secrets[i].lookedUp
		if replaced {
			o.Kind = FromSecret
		}
	case replaced && p.Source == SourceDirect:
		o.Kind, o.Secret = FromDirect, 0
	case replaced:
		o.Kind, o.Secret = FromBundle, 0
	}
	return o
}

func (p *Provenance) explicitOrigins(fields Object, yield func(FieldName, FieldOrigin) bool) {
	index, refs := int32(0), p.References
	// next yields the references of the next field of the config, and returns their number.
	next := func() (n int, more bool) {
		for more = true; more && n < len(refs) && refs[n].field == index; n++ {
			more = yield(FieldName{"", refs[n].path}, refs[n].FieldOrigin)
		}
		refs, index = refs[n:], index+1
		return n, more
	}
	for name := range fields.All() {
		for len(refs) > 0 && refs[0].field == index && refs[0].gone {
			if _, more := next(); !more {
				return
			}
		}
		n, more := next()
		if !more || n == 0 && !yield(FieldName{"", name}, literalOrigin(WhyNormal)) {
			return
		}
	}
	for more := true; more && len(refs) > 0; {
		_, more = next()
	}
}
