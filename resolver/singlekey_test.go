package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 5: which strings are looked up.
func TestSingleKeyLooksUpStringsOfTheConfigAndOfExtra(t *testing.T) {
	own := func(names ...string) secrets {
		held := secrets{}
		for _, name := range names {
			held[name] = map[string]string{name: "<" + name + ">"}
		}
		return held
	}
	testResolutions(t, []resolution{
		{
			name:    "each string, at the top and one level down in extra",
			config:  `{"credentialSource":"agent","a":"one","extra":{"b":"two","c":"three"},"d":"four"}`,
			secrets: own("one", "two", "three", "four"),
			asked:   []string{"one", "two", "three", "four"},
			want:    `{"credentialSource":"agent","a":"<one>","extra":{"b":"<two>","c":"<three>"},"d":"<four>"}`,
		},
		{
			name:    "not the source and not the path",
			config:  `{"credentialSource":"agent","secret-path":"","a":"one"}`,
			secrets: own("one", "agent"),
			asked:   []string{"one"},
			want:    `{"credentialSource":"agent","secret-path":"","a":"<one>"}`,
		},
		{
			name:    "extra may have fields with these names",
			config:  `{"credentialSource":"agent","extra":{"credentialSource":"one","secret-path":"two"}}`,
			secrets: own("one", "two"),
			asked:   []string{"one", "two"},
			want:    `{"credentialSource":"agent","extra":{"credentialSource":"<one>","secret-path":"<two>"}}`,
		},
		{
			name:    "an extra that is a string",
			config:  `{"credentialSource":"agent","extra":"one"}`,
			secrets: own("one"),
			asked:   []string{"one"},
			want:    `{"credentialSource":"agent","extra":"<one>"}`,
		},
		{
			name:    "not deeper, in another object or in an array",
			config:  `{"credentialSource":"agent","a":"one","extra":{"b":{"c":"two"},"d":["two"]},"e":{"f":"two"},"g":["two"]}`,
			secrets: own("one", "two"),
			asked:   []string{"one"},
			want:    `{"credentialSource":"agent","a":"<one>","extra":{"b":{"c":"two"},"d":["two"]},"e":{"f":"two"},"g":["two"]}`,
		},
		{
			name:    "not other types",
			config:  `{"credentialSource":"agent","a":"one","b":2,"c":true,"d":null,"extra":{"e":2,"f":false}}`,
			secrets: own("one", "2", "true", "false", "null"),
			asked:   []string{"one"},
			want:    `{"credentialSource":"agent","a":"<one>","b":2,"c":true,"d":null,"extra":{"e":2,"f":false}}`,
		},
		{
			name:    "not the names of fields",
			config:  `{"credentialSource":"agent","one":"two"}`,
			secrets: own("one", "two"),
			asked:   []string{"two"},
			want:    `{"credentialSource":"agent","one":"<two>"}`,
		},
		{
			name:    "not our own field",
			config:  `{"credentialSource":"agent","a":"one","credential-resolver":{}}`,
			secrets: own("one"),
			asked:   []string{"one"},
			want:    `{"credentialSource":"agent","a":"<one>"}`,
		},
	})
}

func TestSingleKeyFetchesEachDistinctValueOnce(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "at the top and in extra",
			config:  `{"credentialSource":"agent","a":"one","b":"one","c":"two","extra":{"d":"one","e":"two"}}`,
			secrets: secrets{"one": {"one": "1"}},
			asked:   []string{"one", "two"},
			want:    `{"credentialSource":"agent","a":"1","b":"1","c":"two","extra":{"d":"1","e":"two"}}`,
		},
		{
			name:    "values that differ in case are distinct",
			config:  `{"credentialSource":"agent","a":"one","b":"ONE"}`,
			secrets: secrets{"one": {"one": "1"}},
			asked:   []string{"one", "ONE"},
			want:    `{"credentialSource":"agent","a":"1","b":"ONE"}`,
		},
		{
			name:    "differently escaped values are the same",
			config:  `{"credentialSource":"agent","a":"one","b":"\u006fne"}`,
			secrets: secrets{"one": {"one": "1"}},
			asked:   []string{"one"},
			want:    `{"credentialSource":"agent","a":"1","b":"1"}`,
		},
	})
}

func TestAValueWithoutASecretIsALiteral(t *testing.T) {
	const config = `{"credentialSource":"agent","user":"app_user","password":"pw"}`
	literal := func(name string, user map[string]string) resolution {
		held := secrets{"pw": {"pw": "s3cret"}}
		if user != nil {
			held["app_user"] = user
		}
		return resolution{
			name: name, config: config, secrets: held, asked: []string{"app_user", "pw"},
			want: `{"credentialSource":"agent","user":"app_user","password":"s3cret"}`,
		}
	}
	testResolutions(t, []resolution{
		literal("there is no secret of that name", nil),
		literal("its secret has no entries", map[string]string{}),
		literal("its secret's entry is empty", map[string]string{"app_user": ""}),
		literal("all entries of its secret are empty", map[string]string{"app_user": "", "x": ""}),
		literal("its secret's entry is an object of nothing", map[string]string{"x": `{"app_user":null,"y":""}`}),
		literal("its secret has several entries, none of that name", map[string]string{"x": "1", "y": "2"}),
	})
}

// Without a cache, a literal is looked up each time.
func TestALiteralBecomesAReferenceOnceItsSecretExists(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"one","b":"two"}`)
	stores.Secrets.Put("one", map[string]string{"one": "1"})
	r := stores.Resolver()
	assert.Equal(t, `{"credentialSource":"agent","a":"1","b":"two"}`, answer(t, r))

	stores.Secrets.Put("two", map[string]string{"two": "2"})
	assert.Equal(t, `{"credentialSource":"agent","a":"1","b":"2"}`, answer(t, r))
}
