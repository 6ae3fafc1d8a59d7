// Command parity asks the original library and credential-resolver for the same
// credentials, generated from a seed, by the same daprd on the same stores. It counts
// how they differ, fails at a difference that DESIGN.md does not list, runs the
// programs of docs/migration.md, and measures both.
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
	python := flag.String("python", "bin/parity/bin/python", "a Python that has the original library")
	rounds := flag.Int("rounds", 10, "how many rounds to measure")
	update := flag.Bool("update", false, "write what was measured into "+document)
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *n, *seed, *rounds, *python, *update); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// document has the programs, and what was measured.
const document = "docs/migration.md"

// datasetSize is how many credentials share their secrets.
const datasetSize = 250

func run(ctx context.Context, out io.Writer, n int, seed uint64, rounds int, python string, update bool) error {
	_, _ = fmt.Fprintf(out, "%d credentials from seed %d (PARITY=%d SEED=%d)\n", n, seed, n, seed)
	g, t := newGenerator(seed), tally{counts: map[departure]int{}}
	for left := n; left > 0; left -= datasetSize {
		w := g.dataset(min(left, datasetSize))
		if err := visit(ctx, python, w, func(p *place) error { return t.try(ctx, out, p, w) }); err != nil {
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
	return visit(ctx, python, w, func(p *place) error {
		if err := m.run(ctx, out, p, python); err != nil {
			return err
		}
		if err := p.tryRefusals(ctx, out, python); err != nil {
			return err
		}
		table, err := measure(p, w, rounds)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprint(out, "\n", table)
		if !update {
			return nil
		}
		return markdown.Replace(document, "times", table, document)
	})
}

// visit calls fn with the programs on a dataset, and ends them.
func visit(ctx context.Context, python string, w dataset, fn func(*place) error) (err error) {
	folder, err := os.MkdirTemp("", "parity-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	p, err := newPlace(ctx, folder, python, w)
	defer func() { err = errors.Join(err, p.stop()) }()
	if err != nil {
		return err
	}
	return fn(p)
}
