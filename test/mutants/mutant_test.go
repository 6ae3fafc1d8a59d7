package main

import (
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// After a change of the code, a mutant's old text must still exist. Otherwise the mutant would
// be lost.
func TestEveryMutantCanBePlanted(t *testing.T) {
	mutants, err := load("mutants", "")
	require.NoError(t, err)
	require.NotEmpty(t, mutants)
	seen := map[string]bool{}
	for _, m := range mutants {
		assert.False(t, seen[m.Area+m.Bug], "%s: two mutants are called %q", m.Area, m.Bug)
		seen[m.Area+m.Bug] = true
		text, err := m.plant("../..")
		if !assert.NoError(t, err, "%s: %s", m.Area, m.Bug) {
			continue
		}
		_, err = parser.ParseFile(token.NewFileSet(), m.File, text, parser.SkipObjectResolution)
		assert.NoError(t, err, "%s: %s", m.Area, m.Bug)
	}
}

func TestAFailureSaysWhoNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		output string
		want   outcome
		by     string
	}{
		"a test": {
			output: `{"Action":"fail","Test":"TestA"}` + "\n" + `{"Action":"fail"}` + "\n",
			want:   killed, by: ", by TestA",
		},
		"a leak that TestMain finds": {
			output: `{"Action":"pass","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}` + "\n",
			want:   killed, by: ", by p",
		},
		"a crash": {
			output: `{"Action":"output","Test":"TestA","Output":"panic: no\n"}` + "\n" + `{"Action":"fail"}` + "\n",
			want:   killed, by: ", by a crash in TestA",
		},
		"the end of the time": {
			output: `{"Action":"output","Output":"panic: test timed out after 2m0s\n"}` + "\n" + `{"Action":"fail","Test":"TestA"}` + "\n",
			want:   hung,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, by, err := judge([]byte(c.output), nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.by, by)
		})
	}
	_, _, err := judge([]byte(`{"Action":"build-fail"}`+"\n"), nil)
	assert.ErrorContains(t, err, "does not compile")
}
