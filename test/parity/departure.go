package main

// departure is a rule that deliberately differs from the original.
type departure struct {
	name string
	rule string // the section of DESIGN.md
}

// The departures, in the order in which the rules apply.
var (
	malformedGUID = departure{"a malformed GUID is refused", "3"}
	noConfig      = departure{"a config that is missing is an error, not an empty one", "4, departures"}
	largeConfig   = departure{"a config over 1 MiB is refused", "4, step 1"}
	oddPath       = departure{"a secret-path that is neither a string nor null is refused", "4, step 3"}
	noBundle      = departure{"an agent's bundle that is missing is an error, not literals", "4, departures"}
	emptyBundle   = departure{"a direct secret with only empty entries counts as missing, and replaces no field", "4, step 4"}
	reserved      = departure{"credentialSource and secret-path are not looked up", "4, step 5"}
	noName        = departure{"a value that cannot be a name is not looked up", "4, step 5"}
	mergedTwice   = departure{"a value that occurs twice is merged at both places", "4, step 5"}
	onlyEntry     = departure{"a value whose secret has one entry of another name gets that entry", "4, step 5, last sentence"}
	singlePass    = departure{"a value that was substituted is not resolved again", "4, step 7"}
	ownField      = departure{"the field credential-resolver is left out", "4"}
)

// literalFields is the departure of the default metadata. All other comparisons use
// "literalFields: none", because the original looks all fields of a stored config up.
var literalFields = departure{"with one secret per field, the fields of literalFields are neither looked up nor replaced", "2"}

// literalNames are the generated fields that are in the default literalFields.
var literalNames = []string{"host", "port"}

// departures lists all others. There is one more, which only concerns the comparison: numbers
// keep their digits.
var departures = []departure{
	malformedGUID, noConfig, largeConfig, oddPath, reserved, noName, noBundle, emptyBundle, mergedTwice, onlyEntry, singlePass, ownField,
}
