package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/audit"
)

// sample returns the lines of a log: a start, n requests, and a stop.
func sample(t testing.TB, n int) []string {
	t.Helper()
	d := &disk{room: -1}
	f := start(t, func(o *audit.Options) { o.Stream = d })
	f.readAll(n)
	f.Close()
	lines := slices.Collect(strings.Lines(d.text()))
	require.Len(t, lines, n+2)
	return lines
}

func TestEveryKindOfTamperingIsFound(t *testing.T) {
	lines := sample(t, 6)
	other := sample(t, 6)
	edit := func(change func(lines []string) []string) string {
		return strings.Join(change(slices.Clone(lines)), "")
	}
	replace := func(line int, old, with string) string {
		require.Contains(t, lines[line-1], old)
		return edit(func(l []string) []string { l[line-1] = strings.Replace(l[line-1], old, with, 1); return l })
	}
	tests := map[string]struct{ text, says string }{
		"a value changed":           {replace(4, `"guid":"c2"`, `"guid":"c9"`), "1:4: the line was changed or inserted"},
		"an uid changed":            {replace(2, `"uid":1000`, `"uid":1001`), "1:2: the line was changed"},
		"a number changed":          {replace(3, `"seq":3`, `"seq":4`), "1:3: the line was changed"},
		"a chain value changed":     {replace(3, `"chain":"`, `"chain":"0`), "1:3: the line is incomplete"},
		"the link changed":          {replace(3, `"prev":"`, `"prev":"f`), "1:3: the line is incomplete"},
		"the first line changed":    {replace(1, `"event":"start"`, `"event":"stop"`), "1:1: the line was changed"},
		"the last line changed":     {replace(8, `"event":"stop"`, `"event":"read"`), "1:8: the line was changed"},
		"a space added":             {replace(5, `"event":`, `"event": `), "1:5: the line was changed"},
		"a line emptied":            {edit(func(l []string) []string { l[4] = "\n"; return l }), "1:5: the line is no audit line"},
		"a line cut short":          {edit(func(l []string) []string { l[4] = l[4][:40] + "\n"; return l }), "1:5: the line is incomplete"},
		"a line removed":            {edit(func(l []string) []string { return slices.Delete(l, 3, 4) }), "1:4: line 4 is missing before this one"},
		"two lines removed":         {edit(func(l []string) []string { return slices.Delete(l, 3, 5) }), "1:4: 2 lines are missing between line 3 and this one, 6"},
		"the first line removed":    {edit(func(l []string) []string { return l[1:] }), "1:1: the file begins with line 2"},
		"a line duplicated":         {edit(func(l []string) []string { return slices.Insert(l, 4, l[3]) }), "1:5: the line has sequence number 4, but follows 4"},
		"the first line duplicated": {edit(func(l []string) []string { return slices.Insert(l, 1, l[0]) }), "1:2: the chain that begins here has begun before"},
		"an old line repeated":      {edit(func(l []string) []string { return append(l, l[2]) }), "1:9: the line has sequence number 3, but follows 8"},
		"lines swapped":             {edit(func(l []string) []string { l[3], l[4] = l[4], l[3]; return l }), "1:4: line 4 is missing before this one"},
		"a line moved to the end":   {edit(func(l []string) []string { return append(slices.Delete(l, 3, 4), lines[3]) }), "1:4: line 4 is missing before this one: it was removed or moved\n1:8: the line has sequence number 4, but follows 8"},
		"a foreign line inserted":   {edit(func(l []string) []string { return slices.Insert(l, 4, "hello\n") }), "1:5: the line is no audit line"},
		"a forged line inserted": {edit(func(l []string) []string {
			return slices.Insert(l, 4, strings.Replace(l[3], "c2", "c9", 1))
		}), "1:5: the line was changed or inserted"},
		"a line of another log inserted":   {edit(func(l []string) []string { return slices.Insert(l, 4, other[4]) }), "1:5: the line does not continue the line before it"},
		"a line replaced by another log's": {edit(func(l []string) []string { l[4] = other[4]; return l }), "1:5: the line does not continue the line before it"},
		"everything removed":               {"", "there is no audit line"},
		"a line that is far too long":      {edit(func(l []string) []string { l[4] = `{"audit":1,` + strings.Repeat("x", 3<<20) + "\n"; return l }), "1:5: the line is too long"},
	}
	options := audit.VerifyOptions{Keys: newKeys(t, "k")}
	untouched := verify(t, options, strings.Join(lines, ""))
	require.Empty(t, untouched.Findings)
	require.Equal(t, 8, untouched.Lines)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := verify(t, options, test.text)
			assert.Positive(t, report.Bad)
			require.NotEmpty(t, report.Findings)
			assert.Contains(t, findings(report), test.says)
			if line, _, ok := strings.Cut(test.says, ": "); ok {
				assert.True(t, strings.HasPrefix(findings(report), line), "the first finding is about another line:\n%s", findings(report))
			}
		})
	}
}

// A single bad line must not make the lines after it look bad.
func TestOnlyTheChangedLineIsReported(t *testing.T) {
	lines := sample(t, 6)
	for name, change := range map[string]func([]string) []string{
		"changed":    func(l []string) []string { l[3] = strings.Replace(l[3], "c2", "c9", 1); return l },
		"inserted":   func(l []string) []string { return slices.Insert(l, 4, strings.Replace(l[3], "c2", "c9", 1)) },
		"duplicated": func(l []string) []string { return slices.Insert(l, 4, l[3]) },
		"removed":    func(l []string) []string { return slices.Delete(l, 3, 4) },
		"emptied":    func(l []string) []string { l[3] = "\n"; return l },
	} {
		report := verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, strings.Join(change(slices.Clone(lines)), ""))
		assert.Equal(t, 1, report.Bad, "%s:\n%s", name, findings(report))
		assert.EqualValues(t, 8, report.Last, name)
	}
}

func TestAnotherKeyVerifiesNothing(t *testing.T) {
	report := verify(t, audit.VerifyOptions{Keys: newKeys(t, "x")}, strings.Join(sample(t, 2), ""))
	assert.Equal(t, 4, report.Bad)
	assert.Zero(t, report.Lines)
	assert.Contains(t, findings(report), "or written with another key")
}

func TestAnAnchorShowsThatTheEndWasCutOff(t *testing.T) {
	lines := sample(t, 6)
	whole := verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, strings.Join(lines, ""))
	anchor, err := audit.ParseAnchor(whole.End.String())
	require.NoError(t, err)
	elsewhere, err := audit.ParseAnchor("3:" + strings.Repeat("ab", 16))
	require.NoError(t, err)

	check := func(anchor audit.Anchor, lines []string) audit.Report {
		return verify(t, audit.VerifyOptions{Keys: newKeys(t, "k"), Anchors: []audit.Anchor{anchor}}, strings.Join(lines, ""))
	}
	assert.Zero(t, check(anchor, lines).Bad)
	cut := check(anchor, lines[:5])
	assert.Equal(t, 1, cut.Bad)
	assert.Contains(t, findings(cut), "lines 6 to 8 are missing at the end")
	assert.Contains(t, findings(check(elsewhere, lines)), "no line has it")
	assert.Zero(t, verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, strings.Join(lines[:5], "")).Bad, "nothing else shows it")

	for _, text := range []string{"", "x", "8", "0:" + strings.Repeat("ab", 16), "8:abcd", "-1:" + strings.Repeat("ab", 16)} {
		_, err := audit.ParseAnchor(text)
		assert.ErrorContains(t, err, "is not an anchor", text)
	}
}

func TestALogThatSharesAStreamIsVerified(t *testing.T) {
	lines := sample(t, 4)
	mixed := "time=now level=info\n" + lines[0] + lines[1] + "{\"level\":\"info\"}\n" + strings.Join(lines[2:], "")
	options := audit.VerifyOptions{Keys: newKeys(t, "k"), Mixed: true}
	assert.Zero(t, verify(t, options, mixed).Bad)
	assert.Positive(t, verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, mixed).Bad)
	assert.Positive(t, verify(t, options, strings.Join(lines[2:], "")).Bad)
	options.Partial = true
	report := verify(t, options, "rest of a line\n"+strings.Join(lines[2:], ""))
	assert.Zero(t, report.Bad, findings(report))
	assert.Contains(t, findings(report), "lines up to 2 are not checked")
	assert.Positive(t, verify(t, options, lines[0]+strings.Join(lines[2:], "")).Bad)
}
