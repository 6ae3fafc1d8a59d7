package markdown

import (
	"strconv"
	"strings"
)

// Table is a table; the first row is its head. All columns but the first hold
// numbers.
type Table [][]string

// String writes the table, with an empty line after it.
func (t Table) String() string {
	var b strings.Builder
	for i, row := range t {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(row)-1) + "\n")
		}
	}
	return b.String() + "\n"
}

// Thousands writes a number without decimals, its thousands apart.
func Thousands(f float64) string {
	text := strconv.FormatFloat(f, 'f', 0, 64)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
