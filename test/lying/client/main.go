//go:build linux

// Command client uses one store as the component does. The tests of package lying measure how
// much memory a lying server makes it use. It follows the commands on its standard input.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
	"credential-resolver/test/lying/report"
)

// mostAddressSpace stops a client that uses too much memory before it harms the machine.
const mostAddressSpace = 4 << 30

// patience is the timeout of a call.
const patience = time.Second / 2

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	limit := unix.Rlimit{Cur: mostAddressSpace, Max: mostAddressSpace}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		return err
	}
	var spec report.Spec
	if err := json.Unmarshal([]byte(os.Args[1]), &spec); err != nil {
		return err
	}
	debug.FreeOSMemory()
	start, err := peak()
	if err != nil {
		return err
	}
	get, err := open(spec)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer := report.Report{Start: start}
		switch lines.Text() {
		case "work": // until the store answers
			until := time.Now().Add(time.Minute)
			for kind := get(); kind != credential.NotFound; kind = get() {
				if time.Now().After(until) {
					return fmt.Errorf("the store never answered: %w", kind)
				}
			}
		default: // as many concurrent calls as the component's default
			answer.Kinds = calls(get, spec.Rounds)
		}
		if answer.Peak, err = peak(); err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// calls makes rounds of concurrent calls and counts the kinds of errors.
func calls(get func() credential.Kind, rounds int) map[string]int {
	var mu sync.Mutex
	kinds := map[string]int{}
	var all sync.WaitGroup
	for range store.DefaultConcurrency {
		all.Go(func() {
			for range rounds {
				kind := get()
				mu.Lock()
				kinds[kind.Error()]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return kinds
}

// open opens the store and returns a call that reads a missing key. It uses no breaker and no
// retries, because they would reduce the number of calls.
func open(spec report.Spec) (func() credential.Kind, error) {
	log := logger.NewLogger("client")
	log.SetOutput(io.Discard)
	opts := store.Options{
		Logger: log, FirstAttempt: time.Millisecond, Limits: store.Limits{Timeout: patience},
	}
	object := store.Spec{Label: "store", Type: spec.Type, Fields: spec.Fields}
	var get func(ctx context.Context) error
	if spec.Secrets {
		secrets, err := backend.OpenSecretStore(context.Background(), object, opts)
		if err != nil {
			return nil, err
		}
		get = func(ctx context.Context) error { _, err := secrets.Secret(ctx, "name"); return err }
	} else {
		configs, err := backend.OpenConfigStore(context.Background(), object, store.GUIDPlaceholder, opts)
		if err != nil {
			return nil, err
		}
		get = func(ctx context.Context) error { _, err := configs.Config(ctx, "guid"); return err }
	}
	return func() credential.Kind {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return credential.KindOf(get(ctx))
	}, nil
}

// peak returns this process's peak memory, in bytes.
func peak() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	var kilobytes int64
	_, err = fmt.Sscan(string(rest), &kilobytes)
	return kilobytes << 10, err
}
