package component_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
)

func TestGlobMatchesNames(t *testing.T) {
	cases := []struct {
		patterns string
		yes, no  []string
	}{
		{"*", []string{"", "a", "a/b/c", "a\nb", "\xff", "ünï"}, nil},
		{"myapp/*", []string{"myapp/", "myapp/db", "myapp/db/password"}, []string{"myapp", "myapp2/db", "other/myapp/db", "Myapp/db"}},
		{"*/password", []string{"/password", "a/b/password"}, []string{"password", "a/password/b", "a/passwords"}},
		{"a*b*c", []string{"abc", "a/b/c", "abbcc", "a-b-c-c"}, []string{"ab", "acb", "abcd", "xabc"}},
		{"db-?", []string{"db-1", "db-é", "db-/", "db-?"}, []string{"db-", "db-12", "db1"}},
		{"??", []string{"ab", "éé", "**"}, []string{"a", "abc", ""}},
		{"**", []string{"", "a"}, nil},
		{"exact", []string{"exact"}, []string{"exac", "exactly", "inexact", "EXACT", "exact\n"}},
		{"a.c", []string{"a.c"}, []string{"abc"}},
		{"a|b", []string{"a|b"}, []string{"a", "b"}},
		{"[ab]", []string{"[ab]"}, []string{"a", "b"}},
		{"{a}", []string{"{a}"}, []string{"a"}},
		{"!a", []string{"!a"}, []string{"b"}},
		{"(^$+)", []string{"(^$+)"}, []string{""}},
		{`a\*`, []string{`a\`, `a\b`}, []string{"a*", "ab"}},
		{`a\\?`, []string{`a\\x`}, []string{`a\x`, `a\?`}},
		{`\Ea\Q`, []string{`\Ea\Q`}, []string{"a"}},
		{"a, b/* ,\tc?", []string{"a", "b/x", "cc"}, []string{"a,", " a", "b", "c", "\tcc"}},
		{"a b", []string{"a b"}, []string{"ab"}},
		{"a,ab", []string{"a", "ab"}, []string{"aab", "b"}},
	}
	for _, tc := range cases {
		t.Run(tc.patterns, func(t *testing.T) {
			globs, err := component.ParseGlobs(tc.patterns)
			require.NoError(t, err)
			for _, name := range tc.yes {
				assert.True(t, globs.Match(name), "%q", name)
			}
			for _, name := range tc.no {
				assert.False(t, globs.Match(name), "%q", name)
			}
		})
	}
}

func TestAnEmptyPatternIsRefused(t *testing.T) {
	for _, patterns := range []string{"", " ", ",", canary.Secret + ",", "," + canary.Secret, canary.Secret + ", ,*"} {
		_, err := component.ParseGlobs(patterns)
		require.ErrorContains(t, err, "has an empty pattern", "%q", patterns)
		canary.AssertNone(t, err.Error())
	}
}

// A config may contain any value, so matching must not take exponential time.
func TestManyWildcardsAreMatchedInLinearTime(t *testing.T) {
	globs, err := component.ParseGlobs(strings.Repeat("*a", 100) + "b")
	require.NoError(t, err)
	assert.False(t, globs.Match(strings.Repeat("a", 512)))
}

// FuzzGlobs compares the patterns with the simplest possible matcher.
func FuzzGlobs(f *testing.F) {
	f.Add("myapp/*", "myapp/db")
	f.Add("a*b?c", "a/b-c")
	f.Add(`\*\\?`, `\a\\b`)
	f.Add("[a-z]+", "b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 20 || len(name) > 40 || strings.ContainsRune(pattern, ',') {
			return
		}
		globs, err := component.ParseGlobs(pattern)
		if err != nil {
			return
		}
		require.Equal(t, plain([]rune(strings.TrimSpace(pattern)), []rune(name)), globs.Match(name), "%q, %q", pattern, name)
	})
}

func plain(pattern, name []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == '*':
		return plain(pattern[1:], name) || len(name) > 0 && plain(pattern, name[1:])
	case len(name) == 0:
		return false
	default:
		return (pattern[0] == '?' || pattern[0] == name[0]) && plain(pattern[1:], name[1:])
	}
}

func TestFormattedGlobsMatchTheNamesAlone(t *testing.T) {
	text, leftOut := component.FormatGlobs([]string{"a b", "crm*", "db", "q?", "team/x", "x,y", " z"})
	require.Equal(t, "a b,db,team/x", text)
	require.Equal(t, []string{"crm*", "q?", "x,y", " z"}, leftOut)
}
