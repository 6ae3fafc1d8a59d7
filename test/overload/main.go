// Command overload measures how many right answers the component gives while it is
// asked for more than its store can answer: a real OpenBao behind a proxy that delays
// each answer, asked through one daprd at constant rates. It fails if the rate of right
// answers collapses. "make chaos" runs it; with UPDATE=1 the figures go into
// docs/reliability.md, with plots beside it.
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
	var o options
	flag.DurationVar(&o.time, "time", 10*time.Second, fmt.Sprintf("how long each rate of requests lasts, %v or more", leastTime))
	flag.BoolVar(&o.update, "update", false, "write the figures into "+docsFolder+" and "+nowFile)
	flag.BoolVar(&o.baseline, "baseline", false, "write the figures into "+beforeFile+
		", as those that later ones are compared with; nothing is expected of them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	time             time.Duration
	update, baseline bool
}

// leastTime is the shortest load that shows whether the rate of right answers lasts:
// the limits on a request and on a call have run out by then.
const leastTime = 5 * time.Second

func run(ctx context.Context, o options) (err error) {
	if o.time < leastTime {
		return fmt.Errorf("time must be %v or more", leastTime)
	}
	before, err := readFigures(beforeFile)
	if err != nil && !o.baseline {
		return err
	}
	if o.update && before.Seconds != o.time.Seconds() {
		return fmt.Errorf("%s has loads of %v s: -update needs the same time", beforeFile, before.Seconds)
	}
	folder, err := os.MkdirTemp("", "cr-overload-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	s, err := startStores(ctx, folder, o.time)
	defer s.stop()
	if err != nil {
		return err
	}
	now, err := s.measure(ctx, o.time)
	if err != nil {
		return err
	}
	if o.baseline {
		return now.write(beforeFile)
	}
	r := report{before, now}
	fmt.Print(r.text())
	if err := now.check(); err != nil || !o.update {
		return err
	}
	return errors.Join(now.write(nowFile), r.write())
}

// progress says what is done now: minutes pass.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+" ...\n", args...) }
