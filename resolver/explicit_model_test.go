package resolver_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// drawn is a random value of an explicit config together with its expected result. The
// generator builds both at once, so the expectation does not depend on parsing.
type drawn struct {
	config string
	want   string // JSON; "" if the value is left out
	kind   error  // of the first failure in it
}

// heldExplicitly holds the store's secrets. Their entries are hostile on purpose.
var heldExplicitly = secrets{
	"s": {"k": "${s#l}", "l": "$${", "e": ""}, "t": {"v": `q"\`}, "u": {"v": ""}, "$": {"v": "}|#"},
	"j": {"k": `{"k":"never","l":"of j"}`}, "o": {"v": `{}`},
}

// fieldsOfObjects holds the fields of the secrets that are a JSON object.
var fieldsOfObjects = map[string]map[string]string{"j": {"k": "never", "l": "of j"}}

var (
	drawnLiterals = rapid.SliceOfN(rapid.SampledFrom([]string{"$", "{", "}", "a", "${s#k}", "|json", "#"}), 0, 4)
	drawnSecrets  = rapid.SampledFrom([]string{"s", "s", "t", "t", "u", "$", "none", "j", "j", "o"})
	drawnKeys     = rapid.SampledFrom([]string{"k", "l", "e", "v", "none", ""})
	drawnFilters  = rapid.SampledFrom([]string{"", "", "json", "base64", "urlquery", "json|base64"})
)

// entryOf returns what a reference with a name and a key resolves to.
func entryOf(name, key string) (text string, kind error) {
	entries := heldExplicitly[name]
	full := map[string]string{}
	for k, v := range entries {
		if v != "" {
			full[k] = v
		}
	}
	if len(full) == 0 {
		return "", credential.NotFound
	}
	if key != "" {
		text, ok := entries[key]
		if !ok {
			text, ok = fieldsOfObjects[name][key]
		}
		if !ok {
			return "", credential.NotFound
		}
		return text, nil
	}
	if len(full) > 1 {
		return "", credential.FailedPrecondition
	}
	for _, v := range full {
		text = v
	}
	return text, nil
}

func drawKeyRef(t *rapid.T) drawn {
	name, key := drawnSecrets.Draw(t, "name"), drawnKeys.Draw(t, "key")
	ref := `"name":` + quoted(name)
	if key != "" {
		ref += `,"key":` + quoted(key)
	}
	text, kind := entryOf(name, key)
	d := drawn{want: quoted(text), kind: kind}
	missing := errors.Is(kind, credential.NotFound)
	if rapid.Bool().Draw(t, "optional") {
		ref = `"optional":true,` + ref
		if missing {
			d.want, d.kind = "", nil
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "default") == 0 {
		ref += `,"default":["${s#k}"]`
		if missing {
			d.want, d.kind = `["${s#k}"]`, nil
		}
	}
	d.config = `{"secretKeyRef":{` + ref + `}}`
	return d
}

func drawText(t *rapid.T) (d drawn) {
	var written, want strings.Builder
	for i := range rapid.IntRange(1, 3).Draw(t, "pieces") {
		literal := strings.Join(drawnLiterals.Draw(t, "literal"), "")
		if i > 0 {
			literal = "-" + literal
		}
		name, key, chain := drawnSecrets.Draw(t, "name"), drawnKeys.Draw(t, "key"), drawnFilters.Draw(t, "filters")
		written.WriteString(strings.ReplaceAll(literal+"-", "${", "$${"))
		want.WriteString(literal + "-")
		written.WriteString("${" + name)
		if key != "" {
			written.WriteString("#" + key)
		}
		if chain != "" {
			written.WriteString("|" + chain)
		}
		written.WriteString("}")
		text, kind := entryOf(name, key)
		if d.kind == nil {
			d.kind = kind
		}
		want.WriteString(filtered(text, chain))
	}
	d.config, d.want = quoted(written.String()), quoted(want.String())
	return d
}

func filtered(text, chain string) string {
	switch chain {
	case "json":
		return quoted(text)
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(text))
	case "json|base64":
		return base64.StdEncoding.EncodeToString([]byte(quoted(text)))
	case "urlquery":
		out := ""
		for _, b := range []byte(text) {
			if b >= 'a' && b <= 'z' {
				out += string(rune(b))
			} else {
				out += fmt.Sprintf("%%%02X", b)
			}
		}
		return out
	}
	return text
}

func drawValue(t *rapid.T, depth int) drawn {
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind <= 2:
		return drawKeyRef(t)
	case kind <= 4:
		return drawText(t)
	case kind == 5:
		raw := drawnRaw.Draw(t, "raw")
		return drawn{config: raw, want: raw}
	case kind == 6 || depth == 0:
		literal := strings.Join(drawnLiterals.Draw(t, "literal"), "")
		return drawn{config: quoted(strings.ReplaceAll(literal, "${", "$${")), want: quoted(literal)}
	default:
		return drawContainer(t, depth, kind == 7)
	}
}

func drawContainer(t *rapid.T, depth int, array bool) (d drawn) {
	var config, want []string
	for _, name := range drawnNames(t, "a", "b", "${s#k}", "name") {
		inner := drawValue(t, depth-1)
		if d.kind == nil {
			d.kind = inner.kind
		}
		prefix := quoted(name) + ":"
		if array {
			prefix = ""
		}
		config = append(config, prefix+inner.config)
		switch {
		case inner.want != "":
			want = append(want, prefix+inner.want)
		case array:
			want = append(want, "null")
		}
	}
	if array {
		d.config, d.want = "["+strings.Join(config, ",")+"]", "["+strings.Join(want, ",")+"]"
		return d
	}
	d.config, d.want = "{"+strings.Join(config, ",")+"}", "{"+strings.Join(want, ",")+"}"
	return d
}

func TestExplicitConfigMatchesTheReferenceModel(t *testing.T) {
	for range 10 {
		rapid.Check(t, func(rt *rapid.T) {
			d := drawContainer(rt, 3, false)
			stores := resolvertest.New(t)
			stores.Secrets.PutAll(heldExplicitly)
			block := `{"credential-resolver":{"references":"explicit"}`
			if d.config != "{}" {
				block += ","
			}
			stores.Configs.Put(guid, block+d.config[1:])
			credential, err := stores.Resolver().Resolve(t.Context(), guid)
			if d.kind != nil {
				require.ErrorIs(rt, err, d.kind)
				return
			}
			require.NoError(rt, err, d.config)
			require.Equal(rt, d.want, text(rt, credential.Fields.AsValue()), d.config)
		})
	}
}
