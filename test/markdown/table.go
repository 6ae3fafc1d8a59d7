package markdown

import (
	"strconv"
	"strings"
)

// Table is a table whose first row is the head. All columns except the first contain numbers.
type Table [][]string

// String returns the table as Markdown, followed by an empty line.
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

// Thousands formats a number without decimals and with thousands separators.
func Thousands(f float64) string {
	text := strconv.FormatFloat(f, 'f', 0, 64)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
