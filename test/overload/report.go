package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"credential-resolver/test/markdown"
)

// report compares the figures of two versions.
type report struct{ before, now figures }

// The page with the results, and their place in it.
const (
	docsFolder = "docs"
	document   = "reliability.md"
	part       = "overload"
)

// write writes the tables into the page, and the plots beside it.
func (r report) write() error {
	err := os.MkdirAll(filepath.Join(docsFolder, plotFolder), 0o755)
	for name, c := range r.charts() {
		err = errors.Join(err, os.WriteFile(filepath.Join(docsFolder, plotFolder, name), []byte(c.SVG()), 0o644))
	}
	page := filepath.Join(docsFolder, document)
	return errors.Join(err, markdown.Replace(page, part, r.text(), page))
}

// text returns the generated part of the page.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nBefore: %s, each load for %v s. Now: %s, each load for %v s.\n\n",
		r.before.Machine, r.before.Seconds, r.now.Machine, r.now.Seconds)
	b.WriteString("### Right answers\n\n" + r.rights())
	fmt.Fprintf(&b, "![Right answers by load](%s/%s)\n\n![Right answers over time](%s/%s)\n\n",
		plotFolder, loadChart, plotFolder, timeChart)
	b.WriteString("### Credentials beside the load\n\n" + r.beside())
	b.WriteString("### Bursts\n\n" + r.bursts())
	b.WriteString("### Refusals\n\n" + r.refusals())
	return b.String()
}

// versions returns both versions with their names.
func (r report) versions() []version { return []version{{"before", r.before}, {"now", r.now}} }

type version struct {
	name string
	figures
}
