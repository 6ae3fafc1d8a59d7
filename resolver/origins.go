package resolver

import "credential-resolver/resolver/credential"

// origins collects the origins of the fields of an agent credential. Its add is called for each
// field of the config, in order.
type origins struct {
	mayRefer credential.FieldFilter // nil with a bundle: all fields
	merged                          // none with a bundle
	only     bool                   // whether mayRefer is a list of lookupFields
	fields   *credential.FieldOrigins
	mode     credential.SecretMode
}

// roomForExtra is for how many fields of "extra" there is room at first.
const roomForExtra = 8

func (f *fetcher) originsOfFields() *origins {
	made := f.provenance.made
	made.Fields = credential.NewFieldOrigins(f.config.Fields.Len() + roomForExtra)
	o := &origins{fields: &made.Fields, mode: f.config.Mode()}
	if o.mode == credential.SingleKey {
		o.mayRefer, o.only = f.r.mayRefer(f.config), f.r.lookupFields(f.config) != nil
	}
	return o
}

// add adds the origin of a field of the config. replaced tells whether its value was.
func (o *origins) add(name credential.FieldName, v credential.Value, replaced bool) {
	text, _ := v.Text()
	switch {
	case o.mode == credential.SingleKey:
		o.addLookedUp(name, v, text, replaced)
	case credential.IsParts(name, v):
		o.fields.Add(credential.WhyParts)
	case replaced:
		o.fields.Add(credential.WhyNormal)
	case text == "":
		o.fields.Add(credential.WhyNotText)
	default:
		o.fields.Add(credential.WhyNotReplaced)
	}
}

func (o *origins) addLookedUp(name credential.FieldName, v credential.Value, text string, replaced bool) {
	why, secret, lookedUp := o.whyLiteral(name, v, text), int32(credential.NoSecret), int32(credential.NoSecret)
	if why == credential.WhyNotReplaced {
		lookedUp = o.indices[text]
	}
	if replaced {
		from := o.from[text]
		why, secret = credential.WhyNormal, from.secret
		if from.only {
			why = credential.WhyOnlyEntry
		}
	}
	o.fields.AddLookedUp(why, secret, lookedUp)
}

// whyLiteral returns why a field of a single-key config is a literal, if it is. WhyNotReplaced
// means that it was looked up.
func (o *origins) whyLiteral(name credential.FieldName, v credential.Value, text string) credential.Why {
	_, named := o.indices[text]
	switch {
	case credential.IsParts(name, v):
		return credential.WhyParts
	case text == "":
		return credential.WhyNotText
	case credential.HasMeaning(name):
		return credential.WhyMeaning
	case !o.mayRefer.Has(name) && o.only:
		return credential.WhyNotLookupField
	case !o.mayRefer.Has(name):
		return credential.WhyLiteralField
	case !named:
		return credential.WhyNotAName
	}
	return credential.WhyNotReplaced
}

// directOrigins returns the origins of the fields of a direct credential.
func directOrigins(finished credential.Object, secret credential.Secret) credential.FieldOrigins {
	fields := credential.NewFieldOrigins(finished.Len())
	for name := range finished.All() {
		_, overlaid := secret.Get(name)
		switch {
		case name == credential.FieldOwn: // not part of the answer
		case overlaid:
			fields.Add(credential.WhyNormal)
		default:
			fields.Add(credential.WhyNotReplaced)
		}
	}
	return fields
}
