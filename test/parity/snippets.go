package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
)

// migration is the Python code in docs/migration.md: a module that replaces the original, and
// for each call a program with the original and one with the module.
type migration struct {
	module string
	calls  []migratedCall
}

type migratedCall struct {
	version             int
	name, before, after string
}

var marked = regexp.MustCompile("(?s)<!-- (module|before|after)(?: ([23]): (\\w+))? -->\n```python\n(.*?)```\n")

func readMigration(path string) (migration, error) {
	var m migration
	text, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	for _, part := range marked.FindAllStringSubmatch(string(text), -1) {
		switch last := len(m.calls) - 1; {
		case part[1] == "module":
			m.module = part[4]
		case part[1] == "before":
			m.calls = append(m.calls, migratedCall{version: int(part[2][0] - '0'), name: part[3], before: part[4]})
		case last < 0 || m.calls[last].name != part[3]:
			return m, fmt.Errorf("%s: the program after, of %s, does not follow the one before", path, part[3])
		default:
			m.calls[last].after = part[4]
		}
	}
	if m.module == "" || len(m.calls) == 0 {
		return m, errors.New(path + " has no module, or no calls")
	}
	return m, nil
}

// of returns the calls of a version.
func (m migration) of(v version) (calls []migratedCall) {
	for _, call := range m.calls {
		if call.version == v.number {
			calls = append(calls, call)
		}
	}
	return calls
}

// run runs both programs of each call of the version. They must give the same answer.
func (m migration) run(ctx context.Context, out io.Writer, p *testbed) error {
	local, err := p.startOriginal(ctx, "local") // saving needs the local environment
	if err != nil {
		return err
	}
	defer local.stop()
	calls := m.of(p.version)
	for _, call := range calls {
		process := p.original
		if call.name == "save_secret" {
			process = local
		}
		before, err := process.snippet(call.before)
		if err != nil {
			return fmt.Errorf("%s before: %w", call.name, err)
		}
		after, err := process.snippet(m.module, call.after)
		if err != nil {
			return fmt.Errorf("%s after: %w", call.name, err)
		}
		if !equal(before, after, false) {
			return fmt.Errorf("%s: %s before, %s after", call.name, encode(before), encode(after))
		}
	}
	_, err = fmt.Fprintf(out, "docs/migration.md: %d calls answer the same before and after\n", len(calls))
	return err
}

func (o *original) snippet(programs ...string) (any, error) {
	answer, err := o.ask(originalRequest{Call: "snippet", Programs: programs})
	if err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return decode(answer.Value)
}
