// Command overload measures how many right answers the component gives while it gets more
// requests than its store can answer: a real OpenBao behind a proxy that delays each answer,
// with requests through one daprd at constant rates. It fails if the rate of right answers
// collapses. "make chaos" runs it. With UPDATE=1, the results go into docs/reliability.md, with
// plots beside it.
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

// leastTime is the shortest useful load. The time limits of requests and calls must pass within
// it.
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

// progress prints the current step, because the run takes minutes.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+" ...\n", args...) }
