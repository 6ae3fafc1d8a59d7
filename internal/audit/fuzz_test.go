package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/audit"
)

// FuzzVerify changes a log at one place. Every change is found, except one that cuts off the
// end.
func FuzzVerify(f *testing.F) {
	lines := sample(f, 8)
	whole := strings.Join(lines, "")
	f.Add(uint(0), uint(0), "")
	f.Add(uint(100), uint(1), "x")
	f.Add(uint(len(lines[0])), uint(len(lines[1])), "")
	f.Add(uint(len(lines[0])), uint(0), lines[1])
	f.Add(uint(len(whole)), uint(0), lines[0])
	f.Fuzz(func(t *testing.T, at, length uint, with string) {
		at = min(at, uint(len(whole)))
		length = min(length, uint(len(whole))-at)
		changed := whole[:at] + with + whole[at+length:]
		report := verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, changed)
		if report.Bad > 0 {
			require.NotEmpty(t, report.Findings)
			return
		}
		kept := slices.Collect(strings.Lines(changed))
		for i := range kept { // the last newline means nothing
			require.Equal(t, strings.TrimSuffix(lines[i], "\n"), strings.TrimSuffix(kept[i], "\n"))
		}
	})
}
