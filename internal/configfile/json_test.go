package configfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/configfile"
	"credential-resolver/resolver/credential"
)

func TestJSONIsKeptToTheByte(t *testing.T) {
	tests := map[string]string{
		"compact":                   `{"host":"db","port":5432}`,
		"with white space":          "{ \"host\" : \"db\" ,\r\n\t\"port\": 5432 }",
		"with a newline at its end": "{}\n",
		"with white space around":   " \t\r\n{}\r\n\r\n ",
		"with unusual digits":       `{"a":12.50,"b":1e21,"c":12345678901234567890,"d":-0.0}`,
		"with escapes":              `{"a":"\u00e9\/\ud83d\ude00\u0000"}`,
		"with a duplicate name":     `{"a":1,"a":2}`,
		"with every kind of value":  `{"a":null,"b":[true,false,{"c":[]}],"":""}`,
	}
	for name, text := range tests {
		for _, file := range []string{"config.json", "CONFIG.JSON", "config", "-", "config.txt"} {
			t.Run(name+" in "+file, func(t *testing.T) {
				got, err := configfile.JSON(file, []byte(text))
				require.NoError(t, err)
				require.Equal(t, text, string(got))
			})
		}
	}
}

// The name decides, in any case, and else the first character.
func TestWhatIsJSONAndWhatIsYAML(t *testing.T) {
	for file, want := range map[string]string{
		"config.json": "is not valid JSON", "config.JSON": "is not valid JSON", "config.yaml": "", "config.YML": "", "config": "", "-": "",
	} {
		_, err := configfile.JSON(file, []byte("a: 1"))
		if want != "" {
			require.ErrorContains(t, err, want, file)
			continue
		}
		require.NoError(t, err, file)
	}
	for _, file := range []string{"config.yaml", "config.YAML", "config.Yml"} {
		got, err := configfile.JSON(file, []byte("{a: 1}"))
		require.NoError(t, err)
		require.Equal(t, `{"a":1}`, string(got))
	}
	_, err := configfile.JSON("-", []byte("{a: 1}"))
	require.ErrorContains(t, err, "is not valid JSON")
}

func TestByteOrderMarkIsLeftOut(t *testing.T) {
	for _, file := range []string{"config.json", "config", "-"} {
		got, err := configfile.JSON(file, []byte("\ufeff{\"a\": 1}\n"))
		require.NoError(t, err)
		require.Equal(t, "{\"a\": 1}\n", string(got))
	}
	for _, file := range []string{"config.yaml", "config", "-"} {
		got, err := configfile.JSON(file, []byte("\ufeffa: 1\n"))
		require.NoError(t, err)
		require.Equal(t, `{"a":1}`, string(got))
		_, err = configfile.JSON(file, []byte("\xfe\xff\x00a\x00:\x00 \x001"))
		require.EqualError(t, err, "is UTF-16: save it as UTF-8")
	}
}

func TestJSONErrorHasLineAndColumn(t *testing.T) {
	tests := map[string]struct {
		text string
		want string
	}{
		"a missing comma": {
			"{\n  \"a\": \"" + canary.Secret + "\"\n  \"b\": 1\n}", "is not valid JSON: line 3, column 3",
		},
		"an extra comma": {
			"{\"a\": \"" + canary.Secret + "\",}", "is not valid JSON: line 1, column 27",
		},
		"an unknown word": {
			"{\"a\":" + canary.Secret + "}", "is not valid JSON: line 1, column 6",
		},
		"single quotes": {
			"{\r\n'" + canary.Secret + "': 1}", "is not valid JSON: line 2, column 1",
		},
		"a comment": {
			"{\n\n// " + canary.Secret + "\n}", "is not valid JSON: line 3, column 1",
		},
		"a missing end": {
			"{\"a\": {\n\"b\": \"" + canary.Secret + "\"", "is not valid JSON: line 2, column 26",
		},
		"text behind its end": {
			"{}\n" + canary.Secret, "is not valid JSON: line 2, column 1",
		},
		"a second byte order mark": {
			"\ufeff\ufeff{}", "is not valid JSON: line 1, column 1",
		},
		"UTF-16 with its mark":    {"\xff\xfe{\x00}\x00", "is UTF-16: save it as UTF-8"},
		"UTF-16 without its mark": {"{\x00\"\x00", "is UTF-16: save it as UTF-8"},
		"nothing":                 {"", "is not valid JSON: line 1, column 1"},
		"bytes that are not UTF-8": {
			"{\"a\": \"" + canary.Secret + "\xff\"}", "is not valid UTF-8: a config is one object",
		},
		"a list":   {`["` + canary.Secret + `"]`, "is not a JSON object: a config is one object"},
		"a string": {`"` + canary.Secret + `"`, "is not a JSON object: a config is one object"},
		"a null":   {"null", "is not a JSON object: a config is one object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := configfile.JSON("config.json", []byte(test.text))
			require.EqualError(t, err, test.want)
		})
	}
}

func TestSecondObjectInAFileIsRefused(t *testing.T) {
	_, err := configfile.JSON("config.json", []byte("{}\n{\"a\": \""+canary.Secret+"\"}"))
	require.ErrorContains(t, err, "is not valid JSON: line 2")
	require.NotContains(t, err.Error(), canary.Secret)
}

func TestTextWithoutAKnownExtensionIsJSONIfItBeginsAsAnObject(t *testing.T) {
	for _, file := range []string{"-", "config", "config.txt", "config.json.bak"} {
		_, err := configfile.JSON(file, []byte(" \n{a: 1}"))
		require.ErrorContains(t, err, "is not valid JSON", file)
		got, err := configfile.JSON(file, []byte("\na: 1"))
		require.NoError(t, err, file)
		require.Equal(t, `{"a":1}`, string(got))
	}
	got, err := configfile.JSON("config.yaml", []byte("{a: 1}"))
	require.NoError(t, err, "a flow mapping is YAML if the file's name says so")
	require.Equal(t, `{"a":1}`, string(got))
	_, err = configfile.JSON("config.json", []byte("a: 1"))
	require.ErrorContains(t, err, "is not valid JSON: line 1, column 1")
}

func TestConfigMayBeAMebibyte(t *testing.T) {
	text := `{"a":"` + strings.Repeat("x", credential.MaxConfigSize-8) + `"}`
	_, err := configfile.JSON("config.json", []byte(text))
	require.NoError(t, err)
	_, err = configfile.JSON("config.json", []byte(text+"\n"))
	require.EqualError(t, err, "is larger than 1 MiB as JSON, the limit for a config")
}

// FuzzJSON converts arbitrary text. It must not panic, and a text that it accepts must be
// readable as a config.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, "a: 1", "a: &x [*x]", "- a\n- b", "a: !!binary aGk=", "? [a]\n: b", "a: 0x1F\nb: .inf",
		"<<: {a: 1}", "a: |\n  b\n c", "\ufeffa: 1", "a: \"\\ud800\"", "{\"a\":\xff}", "--- \n...\n---\na", "a: *b", "%YAML 9.9",
	} {
		f.Add("config.json", []byte(seed))
		f.Add("config.yaml", []byte(seed))
		f.Add("-", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		config, err := configfile.JSON(name, text)
		if err != nil {
			return
		}
		if len(config) > credential.MaxConfigSize {
			t.Errorf("%d bytes", len(config))
		}
		if _, err := credential.ParseObject(config); err != nil {
			t.Errorf("got %q, want an object: %v", config, err)
		}
	})
}
