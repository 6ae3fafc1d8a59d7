// Command matrix writes the observations of the tests with real stores into docs/stores.md, as
// tables with a row per failure and a column per store.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"credential-resolver/test/markdown"
)

// observation is a line that a test has written.
type observation struct {
	Store   string `json:"store"`
	Failure string `json:"failure"`
	Code    string `json:"code"`
}

func main() {
	seen := flag.String("seen", "bin/stores.jsonl", "the file that the tests wrote")
	part := flag.String("part", "matrix", "the name of the table's place in the document")
	document := flag.String("document", "docs/stores.md", "the document to write the table into")
	flag.Parse()
	if err := run(*seen, *document, *part); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(seen, document, part string) error {
	observations, err := read(seen)
	if err != nil {
		return err
	}
	tables, err := table(observations)
	if err != nil {
		return err
	}
	return markdown.Replace(document, part, tables, document)
}

func read(path string) ([]observation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var found []observation
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var o observation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return nil, err
		}
		found = append(found, o)
	}
	return found, nil
}

// notTried is in the cells that no test has observed.
const notTried = "–"

// table returns one table for config stores and one for secret stores, because they fail in
// different ways. Two observations of the same failure must agree.
func table(observations []observation) (string, error) {
	var b strings.Builder
	for _, sort := range []struct {
		title  string
		secret bool
	}{{"Config stores", false}, {"Secret stores", true}} {
		var stores, failures []string
		codes := map[[2]string]string{}
		for _, o := range observations {
			if strings.HasPrefix(o.Store, "secretstores.") != sort.secret {
				continue
			}
			if !slices.Contains(stores, o.Store) {
				stores = append(stores, o.Store)
			}
			if !slices.Contains(failures, o.Failure) {
				failures = append(failures, o.Failure)
			}
			cell := [2]string{o.Store, o.Failure}
			if before, ok := codes[cell]; ok && before != o.Code {
				return "", fmt.Errorf("%s, %s: the tests saw both %s and %s", o.Store, o.Failure, before, o.Code)
			}
			codes[cell] = o.Code
		}
		if len(stores) == 0 {
			continue
		}
		slices.Sort(stores)
		slices.Sort(failures)
		fmt.Fprintf(&b, "\n| %s | %s |\n|---|%s\n", sort.title, strings.Join(stores, " | "), strings.Repeat("---|", len(stores)))
		for _, failure := range failures {
			fmt.Fprintf(&b, "| %s |", failure)
			for _, store := range stores {
				fmt.Fprintf(&b, " %s |", cmp.Or(codes[[2]string{store, failure}], notTried))
			}
			b.WriteString("\n")
		}
	}
	return b.String() + "\n", nil
}
