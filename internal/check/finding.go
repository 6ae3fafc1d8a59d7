package check

// Severity tells how bad a finding is.
type Severity string

// The severities.
const (
	// SeverityError is a credential that cannot be resolved, or a store that does not work.
	SeverityError Severity = "error"
	// SeverityWarning is probably a mistake.
	SeverityWarning Severity = "warning"
)

// ID names a kind of finding. The set is closed, and the names are stable.
type ID string

// The errors.
const (
	StoreUnreachable ID = "store-unreachable"  // a store is down, cannot be opened, or does not answer
	StoreDenied      ID = "store-denied"       // a store refuses all our requests
	StoreCannotList  ID = "store-cannot-list"  // the config store cannot list configs
	ConfigMissing    ID = "config-missing"     // no config with the GUID that was asked for
	ConfigUnreadable ID = "config-unreadable"  // the config store refuses one config, or cannot use it
	ConfigInvalid    ID = "config-invalid"     // the text of a config is wrong
	SecretNotAllowed ID = "secret-not-allowed" // allowedSecrets does not allow a secret
	SecretDenied     ID = "secret-denied"      // the store refuses one secret
	SecretUnusable   ID = "secret-unusable"    // the store has a secret in a form that cannot be used
	ReferenceMissing ID = "reference-missing"  // a secret, or an entry of it, does not exist
	Unresolvable     ID = "unresolvable"       // the config cannot be resolved for another reason
)

// The warnings.
const (
	GUIDMalformed    ID = "guid-malformed"    // the key of a config is no valid GUID
	SourceUnknown    ID = "source-unknown"    // credentialSource is neither "direct" nor "agent"
	ReferenceIgnored ID = "reference-ignored" // a reference in a config without explicit references
	SecretUnused     ID = "secret-unused"     // a value names a secret of which nothing is used
	LiteralReplaced  ID = "literal-replaced"  // a value that is usually no secret names one, and is replaced
	LookupMissing    ID = "lookup-missing"    // a value that looks like a reference names no secret
	PlainText        ID = "plain-text"        // a secret is in the config
	ValueShared      ID = "value-shared"      // two secrets have the same value
	ValuesLeftOut    ID = "values-left-out"   // there are too many secrets to compare all of them
)

// warnings are the IDs of warnings. All other findings are errors.
var warnings = map[ID]bool{
	GUIDMalformed: true, SourceUnknown: true, ReferenceIgnored: true, SecretUnused: true, LiteralReplaced: true,
	LookupMissing: true, PlainText: true, ValueShared: true, ValuesLeftOut: true,
}

// Finding is one thing that is wrong, or probably wrong. It holds no value of a credential.
type Finding struct {
	Severity Severity `json:"severity"`
	ID       ID       `json:"id"`
	// GUID is the GUID of the credential; "" if the finding is about a store.
	GUID string `json:"guid,omitempty"`
	// Field is the field of the config; "" if Message names it, or if there is none.
	Field string `json:"field,omitempty"`
	// Store is the label of the store, such as "secretStores.aws"; "" for none.
	Store string `json:"store,omitempty"`
	// Secret is the name of the secret, if the config states it or it exists; else "".
	Secret string `json:"secret,omitempty"`
	// Message says what is wrong. It names the field, but neither the store nor the secret.
	Message string `json:"message"`
}

// Summary counts what was checked and found.
type Summary struct {
	// Credentials is the number of credentials, and Unchecked how many of them could not be
	// checked, because a store failed.
	Credentials int `json:"credentials"`
	Unchecked   int `json:"unchecked"`
	Errors      int `json:"errors"`
	Warnings    int `json:"warnings"`
}

// newFinding returns a finding with the severity of its ID.
func newFinding(id ID, guid, message string) Finding {
	f := Finding{Severity: SeverityError, ID: id, GUID: guid, Message: message}
	if warnings[id] {
		f.Severity = SeverityWarning
	}
	return f
}
