package main

import (
	"context"
	"fmt"
	"io"
)

// tally counts what became of the credentials.
type tally struct {
	equal     int // of them failed: neither side made a credential of it
	failed    int
	digits    int // equal but for how numbers are written
	different int
	wrong     int // of them different by no known departure
	literal   int // of them all otherwise with the default's literalFields

	counts map[departure]int
}

// try asks both for every credential of a dataset.
func (t *tally) try(ctx context.Context, out io.Writer, p *place, w dataset) error {
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
		f := compare(c, w.secrets, theirs, ours)
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

// tryDefault asks ours once more, with the default's literalFields, and says which fields
// of the credential that changes.
func (t *tally) tryDefault(ctx context.Context, out io.Writer, p *place, c testCase, s secrets, none outcome) error {
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
		_, _ = fmt.Fprintf(out, "%6d  %s (DESIGN.md, section %s)\n", t.counts[kind], kind.name, kind.rule)
	}
	_, _ = fmt.Fprintf(out, "otherwise with the default:\n%6d  %s (DESIGN.md, section %s)\n", t.literal, literalFields.name, literalFields.rule)
}
