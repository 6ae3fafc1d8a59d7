package main

import (
	"fmt"
	"strconv"
	"time"

	"credential-resolver/test/markdown"
)

// The phases that others are compared with.
const (
	coldStart   = "cold start"
	steadyState = "steady state"
)

// span returns the phase with a name.
func (f *found) span(name string) span {
	for _, s := range f.spans {
		if s.name == name {
			return s
		}
	}
	return span{}
}

func (f *found) byPhase() string {
	t := markdown.Table{{
		"phase", "s", "Redis: mean", "peak", "peak/mean", "peak/steady mean",
		"Vault: mean", "peak", "peak/mean", "peak/steady mean", "connections while down", "answers", "failed",
	}}
	steady := f.span(steadyState)
	for _, s := range f.spans {
		row := []string{s.name, number((s.to - s.from).Seconds(), 0)}
		for _, rates := range [][]float64{f.redis, f.vault} {
			here, usual := s.of(rates, f.plan.step()), mean(steady.of(rates, f.plan.step()))
			over := ""
			if mean(here) >= 1 {
				over = "**" + ratio(peak(here), mean(here)) + "**"
			}
			row = append(row, number(mean(here), 0), number(peak(here), 0), over, ratio(peak(here), usual))
		}
		down := sum(s.of(f.refused, f.plan.step())) * f.plan.step().Seconds()
		t = append(t, append(row, markdown.Thousands(down),
			markdown.Thousands(float64(f.load.in(f.load.answered, s))), strconv.Itoa(f.load.in(f.load.failed, s))))
	}
	return t.String()
}

// in returns how many requests of a kind were made in a phase.
func (l *load) in(counts []int, s span) int {
	n := 0
	for i := int(s.from / l.step); i < min(int(s.to/l.step), len(counts)); i++ {
		n += counts[i]
	}
	return n
}

// literalCycles is the number of refreshes for each lookup of a value that is not a secret.
// Such a literal is cached for four TTLs, and refreshes are about nine tenths of a TTL apart.
const literalCycles = 5

// formula compares the steady state and the cold start with the predicted load.
func (f *found) formula() string {
	p := f.plan
	steady, cold := f.span(steadyState), f.span(coldStart)
	beforeRenewal := span{from: cold.from, to: cold.from + p.ttls(0.7)}
	pairs := float64(p.processes) / p.cycle().Seconds()
	secrets := float64(bundlesInUse + singleInUse*singleSecrets)
	t := markdown.Table{{
		"store", "reads a cycle and process", "predicted a second", "measured", "measured/predicted",
		"standard deviation", "by chance", "peak/mean", "peak/mean in step",
		"cold start: reads a credential and process", "connections a process",
	}}
	for i, store := range []struct {
		name  string
		rates []float64
		each  float64
	}{
		{"Redis", f.redis, inUse},
		{"Vault", f.vault, secrets + float64(singleInUse)/literalCycles},
	} {
		here := steady.of(store.rates, p.step())
		first := sum(beforeRenewal.of(store.rates, p.step())) * p.step().Seconds()
		t = append(t, []string{
			store.name, number(store.each, 1), number(pairs*store.each, 1), number(mean(here), 1),
			"**" + ratio(mean(here), pairs*store.each) + "**", number(deviation(here), 1), number(chance(mean(here), p.step()), 1),
			ratio(peak(here), mean(here)), ratio(p.cycle().Seconds(), p.step().Seconds()), ratio(first, float64(p.processes*inUse)),
			ratio(float64(f.connections[i]), float64(p.processes)),
		})
	}
	return t.String()
}

func (f *found) delays() string {
	t := markdown.Table{{"from", "median", "last", "last/TTL"}}
	row := func(from string, d []time.Duration) {
		t = append(t, []string{from, seconds(middle(d)), seconds(last(d)), ratio(last(d).Seconds(), f.plan.ttl().Seconds())})
	}
	row("a bundle's rewriting until a process answers with the new value", f.rotation)
	for _, store := range []string{"Vault", "Redis"} {
		row(store+"'s return until a process answers with what was written meanwhile", f.renewed[store])
	}
	r := f.rejections
	text := t.String() + fmt.Sprintf("%d processes were told at once, each by %d applications, that a value which had been rotated was rejected: "+
		"%d reports, %d reads of its bundle, %d answers with the new value (the others had read the old one less than a second before). "+
		"Then, for %v, that the next one was, too: %d reports, %d reads, or %.2f a second and process.\n\n",
		f.plan.processes, reportsAtOnce, r.reports, r.reads, r.renewed,
		insisting, r.insisted, r.reread, float64(r.reread)/insisting.Seconds()/float64(f.plan.processes))
	return text
}

func number(f float64, decimals int) string { return strconv.FormatFloat(f, 'f', decimals, 64) }

func ratio(of, to float64) string {
	if to == 0 {
		return ""
	}
	return number(of/to, 2)
}

func seconds(d time.Duration) string { return number(d.Seconds(), 1) + " s" }
