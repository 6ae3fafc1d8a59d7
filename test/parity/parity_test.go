package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everything enables all departures.
func everything() map[departure]bool {
	on := map[departure]bool{}
	for _, d := range departures {
		on[d] = true
	}
	return on
}

// withDefault also enables the departure of the default metadata.
func withDefault() map[departure]bool {
	on := everything()
	on[literalFields] = true
	return on
}

// TestEveryDepartureIsMet uses the model for both sides. No case may be wrong, and each
// departure must occur in some case.
func TestEveryDepartureIsMet(t *testing.T) {
	for _, v := range versions {
		g, t1 := newGenerator(2), tally{version: v, counts: map[departure]int{}}
		for range 20 {
			w := g.dataset(datasetSize)
			for _, c := range w.cases {
				theirs, ours := model{w.secrets, v.number, v.rules()}.resolve(c), model{w.secrets, 0, everything()}.resolve(c)
				f := compare(v, c, w.secrets, theirs, ours)
				require.Empty(t, f.wrong, c.config)
				t1.add(f, ours.failed())
				changed, wrong := compareDefault(c, w.secrets, ours, model{w.secrets, 0, withDefault()}.resolve(c))
				require.Empty(t, wrong, c.config)
				if len(changed) > 0 {
					t1.literal++
				}
			}
		}
		require.NotZero(t, t1.literal)
		for _, d := range departures {
			require.Equal(t, v.departs(d), t1.counts[d] > 0, "version %d: %s", v.number, d.name)
		}
		require.Greater(t, t1.equal, t1.different, "most cases must be equal")
	}
}

func TestTheSameSeedMakesTheSameDataset(t *testing.T) {
	require.Equal(t, newGenerator(7).dataset(50), newGenerator(7).dataset(50))
	require.NotEqual(t, newGenerator(7).dataset(50), newGenerator(8).dataset(50))
}

// TestADifferenceOfNoKnownKindIsSeen changes one answer in ways that no departure explains.
func TestADifferenceOfNoKnownKindIsSeen(t *testing.T) {
	c := testCase{guid: "g", hasConfig: true, config: `{"credentialSource":"agent","secret-path":"b","p":"k","n":1.50,"z":null}`}
	s := secrets{"b": {"k": "v"}}
	right := `{"credentialSource":"agent","secret-path":"b","p":"v","n":1.50,"z":null}`
	of := func(text string) outcome {
		o, err := outcomeOf(text)
		require.NoError(t, err)
		return o
	}
	require.Equal(t, finding{equal: true}, compare(versions[2], c, s, of(right), of(right)))
	require.Equal(t, finding{digits: true}, compare(versions[2], c, s, of(strings.Replace(right, "1.50", "1.5", 1)), of(right)))
	for name, answers := range map[string][2]outcome{
		"we keep the reference":    {of(right), of(strings.Replace(right, `"v"`, `"k"`, 1))},
		"both keep it":             {of(strings.Replace(right, `"v"`, `"k"`, 1)), of(strings.Replace(right, `"v"`, `"k"`, 1))},
		"we drop a null":           {of(right), of(strings.Replace(right, `,"z":null`, "", 1))},
		"we change a number":       {of(right), of(strings.Replace(right, "1.50", "1.5", 1))},
		"we change the order":      {of(right), of(`{"secret-path":"b","credentialSource":"agent","p":"v","n":1.50,"z":null}`)},
		"we fail":                  {of(right), {code: "NotFound"}},
		"the original fails":       {{code: "error"}, of(right)},
		"a number becomes a text":  {of(right), of(strings.Replace(right, "1.50", `"1.50"`, 1))},
		"a null becomes an object": {of(right), of(strings.Replace(right, "null", "{}", 1))},
	} {
		require.NotEmpty(t, compare(versions[2], c, s, answers[0], answers[1]).wrong, name)
	}
	c.hasConfig = false
	require.Empty(t, compare(versions[2], c, s, of("{}"), outcome{code: "NotFound"}).wrong)
	require.NotEmpty(t, compare(versions[2], c, s, of("{}"), outcome{code: "Unavailable"}).wrong, "a failure with another code must be wrong")
}

// TestMigrationIsReadWhole checks that every program in the document is run, and that it lists
// every departure.
func TestMigrationIsReadWhole(t *testing.T) {
	const path = "../../docs/migration.md"
	m, err := readMigration(path)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, call := range m.calls {
		require.NotEmpty(t, call.after, call.name)
		seen[fmt.Sprint(call.version, " ", call.name)] = true
	}
	require.Equal(t, map[string]bool{
		"2 get_credentials": true, "2 get_secret": true, "2 get_deployment_secret": true,
		"2 resolve_credentials": true, "2 apply_secret_values": true, "2 save_secret": true,
		"3 get_credentials": true, "3 resolve": true, "3 resolve_agent_credential": true,
		"3 secrets": true, "3 get_deployment_secret": true,
	}, seen)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	text := string(content)
	require.Len(t, regexp.MustCompile("```python").FindAllString(text, -1), 1+2*len(m.calls))
	for _, d := range append([]departure{literalFields}, departures...) {
		require.Contains(t, text, "\n| "+d.name+" |")
		for _, v := range versions {
			require.Equal(t, v.departs(d), cellOf(text, d.name, v) != "the same", "version %d: %s", v.number, d.name)
		}
	}
	for _, r := range refusals {
		require.Contains(t, text, "\n| "+r.departure+" |")
	}
	for _, s := range specs {
		require.Contains(t, text, "\n| "+s.row+" |")
	}
	require.Contains(t, text, "\n| "+misuseByName.row+" |")
	for _, m := range misuses {
		require.Contains(t, text, "\n| "+m.row+" |")
	}
	for _, v := range versions {
		pinned, err := os.ReadFile(fmt.Sprintf("requirements%d.txt", v.number))
		require.NoError(t, err)
		release := regexp.MustCompile(`atlan-application-sdk==(\S+)`).FindSubmatch(pinned)
		require.Contains(t, text, string(release[1]), "the page names the version that is compared")
	}
}

// cellOf returns what a version does, from the row of a rule of ours.
func cellOf(text, rule string, v version) string {
	_, row, _ := strings.Cut(text, "\n| "+rule+" | ")
	return strings.Split(row, " | ")[v.number-2]
}
