// Command parity requests the same credentials from the original library and from
// credential-resolver. They are generated from a seed, and both sides use the same daprd and
// stores. It counts the differences and fails if there is one that DESIGN.md does not list. It
// also runs the programs in docs/migration.md and measures both sides.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"credential-resolver/test/markdown"
)

func main() {
	n := flag.Int("n", 3000, "how many credentials to try")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "the seed that they are made from")
	number := flag.Int("version", 2, "which version of the original library, 2 or 3")
	rounds := flag.Int("rounds", 10, "how many rounds to measure; some calls of version 3 take seconds")
	update := flag.Bool("update", false, "write what was measured into "+document)
	flag.Parse()
	v, ok := versions[*number]
	if !ok {
		fmt.Fprintln(os.Stderr, "-version must be 2 or 3")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Stdout, *n, *seed, *rounds, v, *update); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// document contains the programs and the measurements.
const document = "docs/migration.md"

// datasetSize is the number of credentials that share their secrets.
const datasetSize = 250

func run(ctx context.Context, out io.Writer, n int, seed uint64, rounds int, v version, update bool) error {
	_, _ = fmt.Fprintf(out, "version %d: %d credentials from seed %d (-version %d -n %d -seed %d)\n", v.number, n, seed, v.number, n, seed)
	g, t := newGenerator(seed), tally{version: v, counts: map[departure]int{}}
	for left := n; left > 0; left -= datasetSize {
		w := g.dataset(min(left, datasetSize))
		if err := visit(ctx, v, w, func(p *testbed) error { return t.try(ctx, out, p, w) }); err != nil {
			return err
		}
	}
	t.print(out)
	if t.wrong > 0 {
		return fmt.Errorf("%d differences are of no known kind", t.wrong)
	}
	w, err := samples("components/samples")
	if err != nil {
		return err
	}
	m, err := readMigration(document)
	if err != nil {
		return err
	}
	return visit(ctx, v, w, func(p *testbed) error {
		if err := m.run(ctx, out, p); err != nil {
			return err
		}
		if err := p.tryRefusals(ctx, out); err != nil {
			return err
		}
		if v.number == 3 {
			if err := errors.Join(p.trySpecs(ctx, out), p.tryMisuses(ctx, out)); err != nil {
				return err
			}
		}
		table, err := measure(p, w, rounds)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprint(out, "\n", table)
		if !update {
			return nil
		}
		return markdown.Replace(document, fmt.Sprintf("times-%d", v.number), table, document)
	})
}

// visit starts the programs on a dataset, calls fn, and stops them.
func visit(ctx context.Context, v version, w dataset, fn func(*testbed) error) (err error) {
	folder, err := os.MkdirTemp("", "parity-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	p, err := newTestbed(ctx, v, folder, w)
	defer func() { err = errors.Join(err, p.stop()) }()
	if err != nil {
		return err
	}
	return fn(p)
}
