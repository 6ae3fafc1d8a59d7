package main

import (
	"context"
	"fmt"
	"io"
)

// tally counts the results.
type tally struct {
	version   version
	equal     int // includes failed: cases in which both sides fail
	failed    int
	digits    int // equal except for the notation of numbers
	different int
	wrong     int // of different: those that no departure explains
	literal   int // cases that the default literalFields change

	counts map[departure]int
}

// try requests every credential of a dataset from both sides.
func (t *tally) try(ctx context.Context, out io.Writer, p *testbed, w dataset) error {
	for _, c := range w.cases {
		answer, err := p.original.ask(originalRequest{Call: "resolve", GUID: c.guid})
		if err != nil {
			return err
		}
		theirs := outcome{code: "error"}
		if answer.Error == "" {
			if theirs, err = outcomeOf(answer.Value); err != nil {
				return fmt.Errorf("%s: the original: %w", c.guid, err)
			}
		}
		ours, text, err := p.ask(ctx, uncached, c.guid)
		if err != nil {
			return fmt.Errorf("%s: %w", c.guid, err)
		}
		f := compare(p.version, c, w.secrets, theirs, ours)
		if f.wrong != "" {
			_, _ = fmt.Fprintln(out, describe(c, f, answer.Value+answer.Error, text))
		}
		t.add(f, ours.failed())
		if err := t.tryDefault(ctx, out, p, c, w.secrets, ours); err != nil {
			return err
		}
	}
	return nil
}

// tryDefault requests the credential from ours again, with the default literalFields, and
// prints the fields that change.
func (t *tally) tryDefault(ctx context.Context, out io.Writer, p *testbed, c testCase, s secrets, none outcome) error {
	got, text, err := p.ask(ctx, byDefault, c.guid)
	if err != nil {
		return fmt.Errorf("%s: %w", c.guid, err)
	}
	changed, wrong := compareDefault(c, s, none, got)
	if wrong != "" {
		t.wrong++
		_, _ = fmt.Fprintln(out, describe(c, finding{wrong: wrong}, "", text))
	}
	if len(changed) > 0 {
		t.literal++
		_, _ = fmt.Fprintf(out, "%s: another answer with literalFields' default: %q\n", c.guid, changed)
	}
	return nil
}

func (t *tally) add(f finding, failed bool) {
	if f.wrong != "" {
		t.wrong++
	}
	switch {
	case f.equal:
		t.equal++
		if failed {
			t.failed++
		}
	case f.digits:
		t.digits++
	default:
		t.different++
		for _, kind := range f.kinds {
			t.counts[kind]++
		}
	}
}

func (t *tally) print(out io.Writer) {
	_, _ = fmt.Fprintf(out, "equal %d (of them errors on both sides %d), equal but for digits of numbers %d, different %d, of no known kind %d\n",
		t.equal, t.failed, t.digits, t.different, t.wrong)
	_, _ = fmt.Fprintln(out, "different by (one credential may be so by several):")
	for _, kind := range departures {
		if !t.version.departs(kind) {
			continue
		}
		_, _ = fmt.Fprintf(out, "%6d  %s (DESIGN.md, section %s)\n", t.counts[kind], kind.name, kind.rule)
	}
	_, _ = fmt.Fprintf(out, "otherwise with the default:\n%6d  %s (DESIGN.md, section %s)\n", t.literal, literalFields.name, literalFields.rule)
}
