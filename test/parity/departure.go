package main

// departure is a rule in which we differ from the original on purpose.
type departure struct {
	name string
	rule string // where DESIGN.md says so
}

// The departures, in the order in which the rules apply.
var (
	malformedGUID = departure{"a malformed GUID is refused", "3"}
	noConfig      = departure{"a config that is missing is an error, not an empty one", "4, departures"}
	largeConfig   = departure{"a config over 1 MiB is refused", "4, step 1"}
	oddPath       = departure{"a secret-path that is neither a string nor null is refused", "4, step 3"}
	noBundle      = departure{"an agent's bundle that is missing is an error, not literals", "4, departures"}
	emptyBundle   = departure{"a direct secret of empty entries alone is missing, and lays nothing over", "4, step 4"}
	reserved      = departure{"credentialSource and secret-path are not looked up", "4, step 5"}
	noName        = departure{"a value that cannot be a name is not looked up", "4, step 5"}
	onlyEntry     = departure{"a value whose secret has one entry of another name gets that entry", "4, step 5, last sentence"}
	singlePass    = departure{"a value that was substituted is not looked at again", "4, step 7"}
	ownField      = departure{"the field credential-resolver is left out", "4"}
)

// literalFields is the one that only the metadata's default has: all else is tried with
// "literalFields: none", as the original's version 2 is.
var literalFields = departure{"the fields of literalFields are neither looked up nor replaced, where each field has its secret", "2"}

// literalNames are those of the generated fields that are in literalFields by default.
var literalNames = []string{"host", "port"}

// departures are all the others. One more is of comparing: numbers keep their digits.
var departures = []departure{
	malformedGUID, noConfig, largeConfig, oddPath, reserved, noName, noBundle, emptyBundle, onlyEntry, singlePass, ownField,
}
