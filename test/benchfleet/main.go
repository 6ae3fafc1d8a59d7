// Command benchfleet measures the load that many sidecars put on shared stores: component
// processes, each with its own cache, with one Redis and one Vault, from a cold start through a
// rotation and an outage of each store. The results go into docs/benchmarks.md, with a plot
// beside it. "make bench-fleet" runs it.
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
	var p plan
	flag.IntVar(&p.processes, "processes", 50, "how many component processes there are")
	flag.IntVar(&p.credentials, "credentials", 1000, fmt.Sprintf("how many credentials there are, %d or more", leastCredentials))
	flag.DurationVar(&p.steady, "time", 60*time.Second, fmt.Sprintf("how long the steady state is measured; cacheTTL is a part of "+
		"it, and so is everything else. Less than %s is a trial: the results go to %s instead of %s",
		trialBelow, trialFolder, docsFolder))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := p.check()
	if err == nil {
		err = run(ctx, p)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchfleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) (err error) {
	ctx, cancel := context.WithTimeout(ctx, p.most())
	defer cancel()
	folder, err := os.MkdirTemp("", "cr-fleet-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	all := newCredentials(p.credentials)
	s, err := startStores(ctx, all)
	defer s.stop()
	if err != nil {
		return err
	}
	f, err := startFleet(ctx, folder, s, p, all)
	defer f.stop()
	if err != nil {
		return err
	}
	found, err := measure(ctx, s, f, p)
	if err != nil {
		return err
	}
	return found.write()
}

// progress prints the current step, because the run takes minutes.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+" ...\n", args...) }
