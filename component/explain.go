package component

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// ExplainEntry is the name of the only entry of an explanation.
const ExplainEntry = "_explain"

// Explanation tells where each field of a credential comes from (DESIGN.md, section 3). It holds
// no value, and no length of one.
type Explanation struct {
	GUID string `json:"guid"`
	// Source and Mode are those of the config; Source is "" with explicit references, and both
	// are "" if they are not known. Why tells why it is this mode.
	Source string `json:"source,omitempty"`
	Mode   string `json:"mode,omitempty"`
	Why    string `json:"why"`
	// Read is about the oldest part of the credential.
	Read
	// StaleWhy is why the answer is stale; "" if it is not.
	StaleWhy string `json:"staleWhy,omitempty"`
	// Fields are the fields in their order. A field with several explicit references is there
	// once for each.
	Fields []ExplainedField `json:"fields"`
	// Secrets are the secrets that the credential needed, each one once.
	Secrets []ExplainedSecret `json:"secrets"`
}

// ExplainedField tells where the value of one field comes from.
type ExplainedField struct {
	// Field is the name of the field, or the path of a reference in it.
	Field string `json:"field"`
	// Origin is "literal", "direct", "bundle", "secret", "reference" or "unknown".
	Origin string `json:"origin"`
	// SecretName is the secret that the value comes from, or would come from.
	SecretName
	// Read is about the secret; for a literal, about the config.
	Read
	// Why adds what the origin does not say; "" if there is nothing to add.
	Why string `json:"why,omitempty"`
	// LookedUp is the secret that was looked up because the config has its name as the value, if
	// the value does not come from it. Nil: there is none.
	LookedUp *ExplainedSecret `json:"lookedUp,omitempty"`
}

// SecretName names a secret. The zero value names none.
type SecretName struct {
	Store string `json:"store,omitempty"` // "secretStore" or "secretStores.<name>"
	// Hash stands for the secret's name, or Name is that name; the other one is "".
	Hash    string `json:"hash,omitempty"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

// ExplainedSecret tells what came of one secret.
type ExplainedSecret struct {
	SecretName

	// Outcome is "found", "missing" or "refused"; or "known-literal", "not-allowed" or
	// "not-a-name" if it was not asked for. See [credential.Outcome].
	Outcome string `json:"outcome"`
	Read
}

// Read tells when something was read.
type Read struct {
	// ReadAt is when its read began. Nil: it was not read.
	ReadAt     *time.Time `json:"readAt,omitempty"`
	AgeSeconds *float64   `json:"ageSeconds,omitempty"`
	// Freshness is "fresh" if it was read for this answer, "cached", or "stale"; "" if it was not
	// read.
	Freshness string `json:"freshness,omitempty"`
}

// ExplainOptions say what an explanation shows.
type ExplainOptions struct {
	// Fields limits it to these fields; see [Request].Fields. Nil: all fields.
	Fields []string
	// Hash returns the hash of a secret's name. Required.
	Hash func(credential.Reference) string
	// ShowNames shows the names of secrets, except for looked-up values that name none: those
	// are values of the credential.
	ShowNames bool
}

// Explain explains an answer. It fails with kind InvalidRequest if the credential does not have
// one of the fields, or with kind TooLarge.
func Explain(answer cache.Answer, o ExplainOptions) (Explanation, error) {
	c := answer.Credential
	if o.Fields != nil {
		if _, missing, ok := c.Fields.Pick(o.Fields); !ok {
			return Explanation{}, noField(c.GUID, missing)
		}
	}
	e := explainer{ExplainOptions: o, answer: answer, p: c.Provenance, now: time.Now()}
	e.readSecrets()
	fields, err := e.fields()
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{GUID: c.GUID, Why: e.whyMode(), Read: e.read(c.ReadAt), Fields: fields, Secrets: e.secrets}
	if e.p != nil {
		x.Source, x.Mode = string(e.p.Source), string(e.p.HowReferred())
	}
	if answer.Stale != nil {
		x.StaleWhy = asError(answer.Stale).Reason
	}
	return x, nil
}

// explainer explains one answer.
type explainer struct {
	ExplainOptions

	answer  cache.Answer
	p       *credential.Provenance // nil if it is not known
	now     time.Time
	secrets []ExplainedSecret // of p
	used    []bool            // which of them a field comes from
}

// readSecrets sets secrets and used.
func (e *explainer) readSecrets() {
	e.secrets = []ExplainedSecret{}
	if e.p == nil {
		return
	}
	for _, use := range e.p.Secrets {
		e.secrets = append(e.secrets, e.secret(use))
	}
	e.used = e.answer.UsedSecrets()
}

// minRow is less than the size of a field of an explanation without its name, in bytes.
const minRow = 90

func (e *explainer) fields() ([]ExplainedField, error) {
	fields, left := []ExplainedField{}, maxAnswer
	add := func(name string, row ExplainedField) bool {
		if left -= minRow + len(name); left >= 0 {
			row.Field = name
			fields = append(fields, row)
		}
		return left >= 0
	}
	wanted := wantedFields(e.answer.Fields, e.Fields)
	for name, origin := range e.answer.Origins() {
		if wanted(name) && !add(name.String(), e.field(origin)) {
			return nil, tooLarge(e.answer.GUID)
		}
	}
	if e.p != nil {
		return fields, nil
	}
	for name := range e.answer.Fields.All() {
		if wanted(credential.FieldName{Name: name}) && !add(name, ExplainedField{Origin: "unknown", Read: e.read(e.answer.ReadAt)}) {
			return nil, tooLarge(e.answer.GUID)
		}
	}
	return fields, nil
}

func (e *explainer) field(origin credential.FieldOrigin) ExplainedField {
	row := ExplainedField{Origin: originWord(origin.Kind), Why: e.whyField(origin)}
	if origin.Secret != credential.NoSecret {
		row.SecretName, row.Read = e.secrets[origin.Secret].SecretName, e.secrets[origin.Secret].Read
	} else {
		row.Read = e.read(e.p.Began) // the config is read at the beginning
	}
	if origin.LookedUp != credential.NoSecret && origin.LookedUp != origin.Secret {
		row.LookedUp = &e.secrets[origin.LookedUp]
	}
	return row
}

func (e *explainer) secret(use credential.SecretUse) ExplainedSecret {
	s := ExplainedSecret{SecretName: SecretName{Store: use.StoreLabel(), Version: use.Version}, Outcome: use.Outcome.String()}
	if e.ShowNames && (e.p.Mode != credential.SingleKey || use.Outcome == credential.SecretFound) {
		s.Name = string(use.Name)
	} else {
		s.Hash = e.Hash(use.Name)
	}
	if !use.ReadAt.IsZero() {
		s.Read = e.read(use.ReadAt)
	}
	return s
}

// read tells about a part of the credential that was read at a time.
func (e *explainer) read(at time.Time) Read {
	freshness := Fresh
	switch {
	case e.answer.Stale != nil:
		freshness = Stale
	case e.answer.State == CacheHit, e.p == nil, at.Before(e.p.Began):
		freshness = Cached
	}
	rounded := at.UTC().Truncate(time.Millisecond)
	age := math.Round(max(0, e.now.Sub(at)).Seconds()*1000) / 1000
	return Read{&rounded, &age, freshness}
}

// encodeExplanation explains an answer as the only entry of another one.
func encodeExplanation(answer cache.Answer, o ExplainOptions) (map[string]string, error) {
	explanation, err := Explain(answer, o)
	if err != nil {
		return nil, err
	}
	text, err := explanation.JSON()
	if err == nil && mapEntrySize(len(ExplainEntry), len(text)) > maxAnswer-mapEntrySize(len(FingerprintEntry), credential.FingerprintSize) {
		err = tooLarge(answer.GUID)
	}
	return map[string]string{ExplainEntry: string(text)}, err
}

// JSON returns the explanation as compact JSON.
func (e Explanation) JSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(e)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
