// Command bench measures the cost of a credential through one daprd: the ways to get one
// compared side by side, and the growth with the number of credentials and of fields. The
// results go into docs/benchmarks.md, with plots beside it. "make bench" runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	duration := flag.Duration("duration", 5*time.Second, fmt.Sprintf("how long each subject is measured in each place, "+
		"all rounds together. Less than %s is a trial: growth ends early, and the results go to %s instead of %s",
		trialBelow, trialFolder, docsFolder))
	constant := flag.Bool("constant", false, "serve the constant component (the benchmark starts itself so)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := error(nil)
	if *constant {
		err = serveConstant(ctx)
	} else {
		err = run(ctx, planFor(*duration))
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) (err error) {
	folder, err := os.MkdirTemp("", "cr-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	stores, err := startStores(ctx, folder)
	defer stores.stop()
	if err != nil {
		return err
	}
	found := report{plan: p}
	if err := found.compare(ctx, stores); err != nil {
		return err
	}
	if found.growth, err = stores.growth(ctx, p); err != nil {
		return err
	}
	return found.write()
}

// compare measures everything that one sidecar can show.
func (r *report) compare(ctx context.Context, s *stores) error {
	side, err := s.startSidecar(ctx, s.resources(), true)
	defer side.stop()
	if err != nil {
		return err
	}
	if err := verify(ctx, side.daprd, append(sideBySide(), byFields()...)); err != nil {
		return err
	}
	r.sideBySide = results{}
	for _, protocol := range protocols() {
		for _, n := range connections() {
			progress("%s, connections: %d", protocol, n)
			at := setting{protocol, n}
			if r.sideBySide[at], err = side.measure(ctx, at, r.plan, sideBySide()); err != nil {
				return err
			}
		}
	}
	progress("fields of a config")
	if r.fields, err = side.measure(ctx, byFieldsAt(), r.plan, byFields()); err != nil {
		return err
	}
	progress("a rotation")
	r.rotation, err = s.rotation(ctx, side.daprd, r.plan)
	return err
}

// progress prints the current step, because the run takes minutes.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+" ...\n", args...) }
