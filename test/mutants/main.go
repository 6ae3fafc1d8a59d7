// Command mutants plants bugs and checks that the unit tests notice them. Each mutant in
// mutants/<area>.yaml changes one place in one file, in a copy that only the compiler sees. A
// mutant that no test notices survives and fails the run. So does a mutant that is noticed only
// because a test hangs.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"credential-resolver/test/waiting"
)

func main() {
	area := flag.String("area", "", "only the mutants of this area; empty means all")
	count := flag.Int("n", 0, "how many mutants to draw at random; 0 means all")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "the seed of that draw")
	timeout := flag.Duration("timeout", 2*waiting.Long+time.Minute, "how long the tests of one package may take before they count as hanging")
	flag.Parse()
	if err := run(os.Stdout, *area, *count, *seed, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer, area string, count int, seed uint64, timeout time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	mutants, err := load("test/mutants/mutants", area)
	if err != nil {
		return err
	}
	if count > 0 && count < len(mutants) {
		_, _ = fmt.Fprintf(out, "%d of %d mutants, drawn with -seed %d\n", count, len(mutants), seed)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(mutants), func(i, j int) {
			mutants[i], mutants[j] = mutants[j], mutants[i]
		})
		mutants = mutants[:count]
	}
	tally := map[string]map[outcome]int{}
	failed := 0
	for _, m := range mutants {
		result, by, err := m.test(ctx, timeout)
		if err != nil {
			return fmt.Errorf("%s: %q: %w", m.Area, m.Bug, err)
		}
		_, _ = fmt.Fprintf(out, "%-8s %s: %s%s\n", result, m.Area, m.Bug, by)
		if tally[m.Area] == nil {
			tally[m.Area] = map[outcome]int{}
		}
		tally[m.Area][result]++
		if result != killed {
			failed++
		}
	}
	if err := report(out, tally); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d mutants were not killed by an assertion", failed, len(mutants))
	}
	return nil
}

func report(out io.Writer, tally map[string]map[outcome]int) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\narea\tmutants\tkilled\tonly by hanging\tsurvived")
	var areas []string
	for area := range tally {
		areas = append(areas, area)
	}
	slices.Sort(areas)
	for _, area := range areas {
		t := tally[area]
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\n", area, t[killed]+t[hung]+t[survived], t[killed], t[hung], t[survived])
	}
	return table.Flush()
}
