package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// names are the names of secrets, of entries and of fields, and the values that may refer to
// them. All use the same list, so that they match often. The last ones cannot be names for us.
var names = []string{
	"db-password", "api-key", "token", "team/prod/key", "value", "host", "user", "extra", "agent", "direct", "0", "5432",
	"true", "null", "ключ-ü-✓", "UPPER", "upper", "a.b", "a:b", "{}", "secret-path", "credentialSource",
	"not a name", "why?", "50%", "#1", `back\slash`, "/at/the/root", "up/../there", "\t", strings.Repeat("long", 200),
}

// extraReference is the name that a whole extra may refer to.
const extraReference = "an-extra"

// sharing are secrets that have an entry of the same name. The last one that is merged decides.
var sharing = []string{"shared-1", "shared-2"}

var literals = []string{"", " ", "db.example.com", "p4ss wörd", "[]", `{"not":"a name"}`, "9007199254740993", "-----BEGIN-----\nx\n", "🔑"}

var numbers = []string{
	"0", "-0", "5432", "12345678901234567890", "9007199254740993", "123456789012345678901", "12.50", "0.1", "1.0", "1e21", "1E5", "-3.25e-7", "0.30000000000000004",
}

// generator generates configs and secrets from a seed.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0))} }

// dataset is the input of both sides: at least one credential, and their secrets.
type dataset struct {
	cases    []testCase
	measured []testCase // those of the cases that are measured
	secrets  secrets
	more     func(configs objectStore) string // returns additional Components; may be nil
}

func (g generator) dataset(n int) dataset {
	w := dataset{secrets: secrets{}}
	for _, name := range names {
		if g.oneIn(4) { // missing
			continue
		}
		w.secrets[name] = g.secret()
	}
	for i, name := range sharing {
		w.secrets[name] = map[string]string{"token": fmt.Sprintf("s3cr3t of %d", i)}
	}
	for i := range n {
		c := testCase{guid: fmt.Sprintf("guid-%03d", i), hasConfig: !g.oneIn(100)}
		if g.oneIn(100) {
			c.guid = strings.Replace(c.guid, "-", ".", 1)
		}
		c.config = g.config()
		if g.oneIn(2) {
			w.secrets[c.guid] = g.secret()
		}
		w.cases = append(w.cases, c)
	}
	w.cases[0].config = `{"padding":"` + strings.Repeat("x", 1<<20) + `"}`
	return w
}

func (g generator) oneIn(n int) bool        { return g.IntN(n) == 0 }
func (g generator) of(list []string) string { return list[g.IntN(len(list))] }

func (g generator) secret() map[string]string {
	entries := map[string]string{}
	switch g.IntN(8) {
	case 0, 1: // a bare value
		entries["value"] = g.text()
	case 2, 3: // a JSON object in the only entry
		entries[g.of(names)] = encode(g.nested())
	default:
		for range g.IntN(5) {
			entries[g.of(names)] = g.text()
		}
	}
	return entries
}

// nested returns a secret that is an object. It may contain, for an extra that refers to it, an
// object with a name from the same secret.
func (g generator) nested() *object {
	o := g.object(g.IntN(5), 2)
	if len(o.fields) > 0 && g.oneIn(2) {
		o.set(extraReference, &object{fields: []field{{"again", o.fields[0].name}}})
	}
	return o
}

func (g generator) text() string {
	switch g.IntN(8) {
	case 0:
		return ""
	case 1, 2:
		return g.of(names)
	case 3:
		return encode(g.object(g.IntN(3), 1))
	default:
		return fmt.Sprintf("s3cr3t %s %d", g.of(literals), g.IntN(1000))
	}
}

// object returns an object with up to n fields, nested up to depth levels.
func (g generator) object(n, depth int) *object {
	o := &object{}
	for range n {
		o.set(g.of(names), g.value(depth))
	}
	return o
}

func (g generator) value(depth int) any {
	switch g.IntN(12) {
	case 0:
		return mustDecode(g.of(numbers))
	case 1:
		return g.oneIn(2)
	case 2:
		return nil
	case 3:
		return g.of(literals)
	case 4:
		return []any{g.of(names), mustDecode(g.of(numbers))}
	case 5, 6:
		if depth > 0 {
			return g.object(g.IntN(4), depth-1)
		}
	}
	return g.of(names)
}

func mustDecode(text string) any {
	value, err := decode(text)
	if err != nil {
		panic(err) // the texts are constants
	}
	return value
}

func (g generator) config() string {
	if g.oneIn(100) {
		return g.of([]string{"[]", "null", "5", `"agent"`, "true", "{", "{} {}", `{"a":}`})
	}
	config := g.object(g.IntN(7), 1)
	if g.oneIn(4) {
		config.set(g.of(literalNames), g.of(names))
	}
	switch g.IntN(8) {
	case 0:
	case 1, 2:
		config.set("credentialSource", "direct")
	case 3:
		config.set("credentialSource", mustDecode(g.of([]string{`"Agent"`, `""`, "null", "true", "1", "[]", `{"a":"agent"}`})))
	default:
		config.set("credentialSource", "agent")
	}
	switch g.IntN(24) {
	case 0, 1, 2, 3, 4, 5, 6:
		config.set("secret-path", g.of(names))
	case 7:
		config.set("secret-path", mustDecode(g.of([]string{"0", "5", "false", "true", "[]", `["token"]`, "{}", `{"a":"b"}`})))
	case 8, 9:
		config.set("secret-path", mustDecode(g.of([]string{`""`, "null", `"nowhere"`, `" "`, "\"\\t\""})))
	}
	switch g.IntN(8) {
	case 0, 1, 2, 3:
		config.set("extra", g.object(g.IntN(5), 1))
	case 4:
		config.set("extra", g.value(1))
	case 5:
		config.set("extra", extraReference)
	}
	if g.oneIn(10) {
		for i, value := range []string{sharing[0], sharing[1], sharing[0], "token"} {
			config.set(fmt.Sprintf("shared-field-%d", i), value)
		}
	}
	if g.oneIn(50) {
		config.set("credential-resolver", &object{})
	}
	g.Shuffle(len(config.fields), func(i, j int) { config.fields[i], config.fields[j] = config.fields[j], config.fields[i] })
	text := encode(config)
	if g.oneIn(100) && len(config.fields) > 0 { // a duplicate name
		text = strings.TrimSuffix(text, "}") + "," + encode(config.fields[0].name) + `:"token"}`
	}
	return text
}
