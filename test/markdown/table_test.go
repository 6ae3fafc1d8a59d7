package markdown_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/markdown"
)

func TestTable(t *testing.T) {
	require.Equal(t, "| a | b |\n|---|---:|\n| c | 1 |\n\n", markdown.Table{{"a", "b"}, {"c", "1"}}.String())
}

func TestThousands(t *testing.T) {
	for f, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.6: "1,234,568", -1234: "-1,234", -123: "-123"} {
		require.Equal(t, want, markdown.Thousands(f))
	}
}
