package resolver_test

import "testing"

// Section 4, step 5: how the entries of several secrets merge.
func TestLaterSecretsOverrideEarlierEntries(t *testing.T) {
	// Two entries each, because a single entry has its own rule.
	held := secrets{
		"one": {"one": "1", "shared": "from one"},
		"two": {"two": "2", "shared": "from two"},
	}
	testResolutions(t, []resolution{
		{
			name:    "one before two",
			config:  `{"credentialSource":"agent","z":"one","a":"two","s":"shared"}`,
			secrets: held,
			want:    `{"credentialSource":"agent","z":"1","a":"2","s":"from two"}`,
		},
		{
			name:    "two before one",
			config:  `{"credentialSource":"agent","z":"two","a":"one","s":"shared"}`,
			secrets: held,
			want:    `{"credentialSource":"agent","z":"2","a":"1","s":"from one"}`,
		},
		{
			name:    "a duplicate value merges twice",
			config:  `{"credentialSource":"agent","z":"one","y":"two","x":"one","s":"shared"}`,
			secrets: held,
			asked:   []string{"one", "two", "shared"},
			want:    `{"credentialSource":"agent","z":"1","y":"2","x":"1","s":"from one"}`,
		},
		{
			name:    "extra merges at its place, before what follows",
			config:  `{"credentialSource":"agent","extra":{"e":"one"},"a":"two","s":"shared"}`,
			secrets: held,
			want:    `{"credentialSource":"agent","extra":{"e":"1"},"a":"2","s":"from two"}`,
		},
		{
			name:    "extra merges at its place, over what precedes",
			config:  `{"credentialSource":"agent","s":"shared","a":"two","extra":{"e":"one"}}`,
			secrets: held,
			want:    `{"credentialSource":"agent","s":"from one","a":"2","extra":{"e":"1"}}`,
		},
		{
			name:    "a duplicate value, once in extra",
			config:  `{"credentialSource":"agent","a":"one","b":"two","extra":{"e":"one","s":"shared"}}`,
			secrets: held,
			want:    `{"credentialSource":"agent","a":"1","b":"2","extra":{"e":"1","s":"from one"}}`,
		},
		{
			name:    "a duplicate name has its first place and last value",
			config:  `{"credentialSource":"agent","z":"none","a":"one","z":"two","s":"shared"}`,
			secrets: held,
			asked:   []string{"one", "two", "shared"},
			want:    `{"credentialSource":"agent","z":"2","a":"1","s":"from one"}`,
		},
		{
			name:   "the secret of a value loses to a later secret's entry of its name",
			config: `{"credentialSource":"agent","a":"one","b":"three"}`,
			secrets: secrets{
				"one": {"one": "1", "x": "y"}, "three": {"three": "3", "one": "1 by three"},
			},
			want: `{"credentialSource":"agent","a":"1 by three","b":"3"}`,
		},
	})
}

func TestEmptyEntriesAreDroppedAndFalsyOnesKept(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:   "an empty entry does not override an earlier one",
			config: `{"credentialSource":"agent","a":"one","b":"two","s":"shared"}`,
			secrets: secrets{
				"one": {"one": "1", "shared": "kept"}, "two": {"two": "2", "shared": ""},
			},
			want: `{"credentialSource":"agent","a":"1","b":"2","s":"kept"}`,
		},
		{
			name:   "null does not override an earlier one",
			config: `{"credentialSource":"agent","a":"one","b":"two","s":"shared"}`,
			secrets: secrets{
				"one": {"one": "1", "shared": "kept"}, "two": {"json": `{"two":"2","shared":null}`},
			},
			want: `{"credentialSource":"agent","a":"1","b":"2","s":"kept"}`,
		},
		{
			name:    "false, 0 and 0.0 are values",
			config:  `{"credentialSource":"agent","a":"one","f":"no","z":"zero","d":"zero point zero"}`,
			secrets: secrets{"one": {"json": `{"one":"1","no":false,"zero":0,"zero point zero":0.0}`}},
			asked:   []string{"one", "no", "zero"},
			want:    `{"credentialSource":"agent","a":"1","f":false,"z":0,"d":0.0}`,
		},
		{
			name:   "an empty array or object and white space are values",
			config: `{"credentialSource":"agent","a":"one","b":"array","c":"object","d":"space"}`,
			secrets: secrets{
				"one": {"json": `{"one":"1","array":[],"object":{},"space":" "}`},
			},
			want: `{"credentialSource":"agent","a":"1","b":[],"c":{},"d":" "}`,
		},
		{
			name:   "false overrides an earlier value",
			config: `{"credentialSource":"agent","a":"one","b":"two","s":"shared"}`,
			secrets: secrets{
				"one": {"one": "1", "shared": "covered"}, "two": {"json": `{"two":"2","shared":false}`},
			},
			want: `{"credentialSource":"agent","a":"1","b":"2","s":false}`,
		},
	})
}

func TestEntriesOfASecretReplaceInTheWholeConfig(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "a value that is only an entry of another secret",
			config:  `{"credentialSource":"agent","a":"db","b":"user"}`,
			secrets: secrets{"db": {"db": "1", "user": "admin"}},
			asked:   []string{"db", "user"},
			want:    `{"credentialSource":"agent","a":"1","b":"admin"}`,
		},
		{
			name:    "a value that cannot be a name, but is an entry",
			config:  `{"credentialSource":"agent","a":"db","b":"the user"}`,
			secrets: secrets{"db": {"db": "1", "the user": "admin"}},
			asked:   []string{"db"},
			want:    `{"credentialSource":"agent","a":"1","b":"admin"}`,
		},
	})
}
