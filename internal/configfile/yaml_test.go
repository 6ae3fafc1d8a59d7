package configfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/configfile"
)

func TestYAMLBecomesJSON(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"its fields in their order":  {"z: a\nb: c\na: d\n", `{"z":"a","b":"c","a":"d"}`},
		"nested fields in theirs":    {"extra:\n  z: 1\n  a: [2, {y: 3, b: 4}]", `{"extra":{"z":1,"a":[2,{"y":3,"b":4}]}}`},
		"empty ones":                 {"a: {}\nb: []\nc: ''\nd:", `{"a":{},"b":[],"c":"","d":null}`},
		"JSON, which is YAML":        {`{"a": "b", "c": [1, true, null]}`, `{"a":"b","c":[1,true,null]}`},
		"comments left out":          {"# one\na: b # two\n", `{"a":"b"}`},
		"a document's own marks":     {"---\na: b\n...\n", `{"a":"b"}`},
		"a byte order mark left out": {"\ufeffa: b", `{"a":"b"}`},

		"numbers with their digits": {
			"a: 5432\nb: 12345678901234567\nc: 12345678901234567890123\nd: 1e21\ne: 12.50\nf: -0.0\ng: 1E+2",
			`{"a":5432,"b":12345678901234567,"c":12345678901234567890123,"d":1e21,"e":12.50,"f":-0.0,"g":1E+2}`,
		},
		"numbers that JSON writes otherwise": {
			"a: 0x1F\nb: 1_000\nc: .5\nd: +1\ne: 5.\nf: 0o17\ng: 0b101\nh: -.5\ni: 0xFFFFFFFFFFFFFFFF",
			`{"a":31,"b":1000,"c":0.5,"d":1,"e":5,"f":15,"g":5,"h":-0.5,"i":18446744073709551615}`,
		},
		"quoted numbers as strings": {`a: "5432"` + "\nb: '012'\nc: !!str 7", `{"a":"5432","b":"012","c":"7"}`},
		"words of YAML 1.1 as strings": {
			"a: yes\nb: no\nc: on\nd: Off\ne: y\nf: N", `{"a":"yes","b":"no","c":"on","d":"Off","e":"y","f":"N"}`,
		},
		"booleans": {"a: true\nb: False\nc: TRUE\nd: 'true'", `{"a":true,"b":false,"c":true,"d":"true"}`},
		"nulls":    {"a: null\nb: ~\nc:\nd: NULL\ne: 'null'", `{"a":null,"b":null,"c":null,"d":null,"e":"null"}`},
		"dates as text": {
			"a: 2024-01-31\nb: 2024-01-31T10:00:00Z\nc: 10:20:30", `{"a":"2024-01-31","b":"2024-01-31T10:00:00Z","c":"10:20:30"}`,
		},
		"bytes as their text": {"a: !!binary aGVsbG8=", `{"a":"aGVsbG8="}`},
		"strings that JSON must escape": {
			"a: \"q\\\"\\\\\\t\\u0001\"\nb: <é😀>\n'\"': c", `{"a":"q\"\\\t\u0001","b":"<é😀>","\"":"c"}`,
		},
		"names that are not strings in YAML": {"1: a\ntrue: b\nnull: c\n2024-01-31: d", `{"1":"a","true":"b","null":"c","2024-01-31":"d"}`},

		"a key on several lines": {
			"key: |\n  -----BEGIN KEY-----\n  MIIB\n\n  AQ==\n  -----END KEY-----\nnext: 1",
			`{"key":"-----BEGIN KEY-----\nMIIB\n\nAQ==\n-----END KEY-----\n","next":1}`,
		},
		"a key without its last newline": {"key: |-\n  a\n  b\n", `{"key":"a\nb"}`},
		"folded text":                    {"a: >\n  b\n  c\n", `{"a":"b c\n"}`},

		"the value of an alias": {
			"a: &x {host: db, port: 5432}\nb: *x\nc: &y secret\nd: [*y, *y]",
			`{"a":{"host":"db","port":5432},"b":{"host":"db","port":5432},"c":"secret","d":["secret","secret"]}`,
		},
		"a merge mark that is a value": {"a: <<", `{"a":"<<"}`},
		"a merge mark that is quoted":  {"'<<': a", `{"<<":"a"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := configfile.JSON("config.yaml", []byte(test.text))
			require.NoError(t, err)
			require.Equal(t, test.want, string(got))
		})
	}
}

func TestYAMLThatCannotBeAConfigIsRefusedWithItsLine(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a tab that indents":                 {"a:\n\t- " + canary.Secret, "is not valid YAML: line 2"},
		"an unterminated quote":              {"a: b\nc: \"" + canary.Secret, "is not valid YAML: line 2"},
		"an unknown alias":                   {"a: *" + canary.Secret, "is not valid YAML"},
		"bytes that are not UTF-8":           {"a: \"" + canary.Secret + "\xff\"", "is not valid YAML"},
		"a merge":                            {"a: &x {b: " + canary.Secret + "}\nc:\n  <<: *x", "has a merge key (<<), which is not supported: line 3; write out the fields that it adds"},
		"a list as a name":                   {"a: 1\n? [" + canary.Secret + "]\n: b", "has a key that is not a plain name: line 2"},
		"an object as a name":                {"? {" + canary.Secret + ": a}\n: b", "has a key that is not a plain name: line 1"},
		"an alias as a name":                 {"a: &x " + canary.Secret + "\n*x : b", "has a key that is not a plain name: line 2"},
		"infinity":                           {"a: " + canary.Secret + "\nb: .inf", "has a number that JSON cannot represent: line 2"},
		"negative infinity":                  {"a:\n- -.Inf", "has a number that JSON cannot represent: line 2"},
		"not a number":                       {"a: .nan", "has a number that JSON cannot represent: line 1"},
		"a word that is not a number":        {"a: !!int " + canary.Secret, "has a number that JSON cannot represent: line 1"},
		"a word that is not a boolean":       {"a: !!bool " + canary.Secret, "has a boolean that cannot be read: line 1"},
		"an alias of its own parent":         {"a: &x\n  b: *x", "is too large or nested too deeply: line "},
		"an alias of its own parent, twice":  {"a: &x [*x, *x]", "is too large or nested too deeply: line 1"},
		"nested deeper than a person writes": {"a: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), "nested too deeply: line 1"},
		"a list":                             {"- " + canary.Secret, "is not a JSON object: a config is one object"},
		"a word":                             {canary.Secret, "is not a JSON object: a config is one object"},
		"nothing":                            {"", "is empty: a config is one object"},
		"only comments":                      {"# " + canary.Secret + "\n", "is empty: a config is one object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := configfile.JSON("config.yml", []byte(test.text))
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), canary.Secret)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// Nine levels with nine aliases each: expanded, that is four hundred million values.
func TestYAMLAliasBombIsRefused(t *testing.T) {
	for name, leaf := range map[string]string{"of words": "lol", "of empty strings": "''", "of empty lists": "[]"} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			text.WriteString("a0: &a0 [" + strings.TrimSuffix(strings.Repeat(leaf+",", 9), ",") + "]\n")
			for i := range 9 {
				list := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ",")
				fmt.Fprintf(&text, "a%d: &a%d [%s]\n", i+1, i+1, list)
			}
			_, err := configfile.JSON("config.yaml", []byte(text.String()))
			require.ErrorContains(t, err, "is too large")
		})
	}
}

func TestYAMLThatIsTooLargeAsJSONIsRefused(t *testing.T) {
	// Each of these characters takes six bytes in JSON.
	text := `a: "` + strings.Repeat(`\x01`, 200_000) + `"`
	_, err := configfile.JSON("config.yaml", []byte(text))
	require.ErrorContains(t, err, "is larger than 1 MiB as JSON")
}
