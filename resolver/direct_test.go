package resolver_test

import "testing"

// Section 4, step 7, for direct.
func TestDirectBundleEntriesBecomeFields(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "an existing field keeps its place, new ones come last",
			config:  `{"z":"1","password":"old","a":"2"}`,
			secrets: secrets{guid: {"password": "new", "m": "3", "b": "4"}},
			want:    `{"z":"1","password":"new","a":"2","b":"4","m":"3"}`,
		},
		{
			name:    "new fields of a JSON object keep its order",
			config:  `{"z":"1"}`,
			secrets: secrets{guid: {"json": `{"y":"2","b":"3","z":"4","a":"5"}`}},
			want:    `{"z":"4","y":"2","b":"3","a":"5"}`,
		},
		{
			name:    "one level: an object replaces an object",
			config:  `{"extra":{"a":"1","b":"2"}}`,
			secrets: secrets{guid: {"json": `{"extra":{"a":"3"}}`}},
			want:    `{"extra":{"a":"3"}}`,
		},
		{
			name:    "nothing is replaced by name",
			config:  `{"user":"password","extra":{"a":"password"}}`,
			secrets: secrets{guid: {"password": "s3cret"}},
			want:    `{"user":"password","extra":{"a":"password"},"password":"s3cret"}`,
		},
		{
			name:    "no string is looked up",
			config:  `{"credentialSource":"direct","password":"pw"}`,
			secrets: secrets{"pw": {"pw": "wrong"}},
			asked:   []string{guid},
			want:    `{"credentialSource":"direct","password":"pw"}`,
		},
		{
			name:    "false, 0 and 0.0 override like any value",
			config:  `{"a":true,"b":1,"c":1}`,
			secrets: secrets{guid: {"json": `{"a":false,"b":0,"c":0.0}`}},
			want:    `{"a":false,"b":0,"c":0.0}`,
		},
		{
			name:    "credentialSource and secret-path can be overridden",
			config:  `{"credentialSource":"direct","password":"pw"}`,
			secrets: secrets{guid: {"credentialSource": "agent", "secret-path": "p"}, "p": {"pw": "wrong"}},
			asked:   []string{guid},
			want:    `{"credentialSource":"agent","password":"pw","secret-path":"p"}`,
		},
		{
			name:    "digits and order of the config are kept",
			config:  `{"z":12345678901234567,"y":1e21,"x":12.50,"w":{"b":1.0,"a":null}}`,
			secrets: secrets{guid: {"password": "s3cret"}},
			want:    `{"z":12345678901234567,"y":1e21,"x":12.50,"w":{"b":1.0,"a":null},"password":"s3cret"}`,
		},
	})
}
