// Command notices writes the licences and notices of everything that is linked into the binary, for the
// image. $GOARCH selects the binary. It fails if a module has none.
//
// go-licenses is no choice: it stops at a module whose licence it cannot name, and copies the sources
// of the modules under the MPL.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Stdout, "."); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// legal matches the names of files with licences and notices.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|unlicense)s?([.-].*)?$`)

func run(out io.Writer, program string) error {
	texts, err := collect(program)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "This program contains the modules below. A Go module proxy has the source of each\n"+
		"under its path and version.")
	for _, text := range slices.SortedFunc(maps.Keys(texts), func(a, b string) int {
		return cmp.Compare(texts[a][0], texts[b][0])
	}) {
		_, err = fmt.Fprintf(out, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(texts[text], "\n"), strings.TrimSpace(text))
	}
	return err
}

// collect returns the texts of a program's modules, each with the sorted names of its files. Many
// modules have the same text.
func collect(program string) (map[string][]string, error) {
	packages, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}@{{.Version}}\t{{.Dir}}{{end}}\t{{.Dir}}", program).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	toolchain, err := exec.Command("go", "env", "GOVERSION", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	version, goroot, _ := strings.Cut(strings.TrimSpace(string(toolchain)), "\n")
	named := map[string]string{} // the text of each file, by its name in the notices
	if err := addFolder(named, version, goroot, goroot); err != nil {
		return nil, err
	}
	modules := map[string]bool{version: true}
	for line := range strings.Lines(string(packages)) {
		parts := strings.Split(strings.TrimSpace(line), "\t")
		if len(parts) != 3 { // the standard library
			continue
		}
		module, root := strings.TrimSuffix(parts[0], "@"), parts[1]
		modules[module] = true
		for folder := parts[2]; strings.HasPrefix(folder, root); folder = filepath.Dir(folder) {
			if err := addFolder(named, module, root, folder); err != nil {
				return nil, err
			}
		}
	}
	for name := range named {
		module, _, _ := strings.Cut(name, ": ")
		delete(modules, module)
	}
	if len(modules) > 0 {
		return nil, errors.New("no licence in " + strings.Join(slices.Sorted(maps.Keys(modules)), ", "))
	}
	texts := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		texts[named[name]] = append(texts[named[name]], name)
	}
	return texts, nil
}

// addFolder adds the licences and notices of one folder of a module.
func addFolder(named map[string]string, module, root, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !legal.MatchString(entry.Name()) || !entry.Type().IsRegular() || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		within, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		named[module+": "+filepath.ToSlash(within)] = string(text)
	}
	return nil
}
