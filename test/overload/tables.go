package main

import (
	"fmt"
	"strconv"

	"credential-resolver/test/markdown"
)

func (r report) rights() string {
	t := markdown.Table{{
		"load", "version", "right answers a second", "capacity", "share", "p50 / p99, s",
		"refused", "p99 of refusals, s", "store calls", "goroutines", "memory, MiB",
	}}
	for i := range r.now.Loads {
		for _, v := range r.versions() {
			l := v.Loads[i]
			t = append(t, []string{
				l.name(), v.name, number(l.Rate), number(l.Capacity), fmt.Sprintf("**%.0f%%**", l.share()*100), latencies(l.Load),
				ofAll(l.Load.refused(), l.Load.Asked), seconds(l.Load.RefusedP99), markdown.Thousands(float64(l.Calls)),
				markdown.Thousands(float64(l.Process.Goroutines)), strconv.FormatInt(l.Process.Memory, 10),
			})
		}
	}
	return t.String()
}

func (r report) beside() string {
	head := []string{"load", "version"}
	for _, b := range r.now.Loads[0].Beside {
		head = append(head, b.Kind+": right", "p99, ms")
	}
	t := markdown.Table{head}
	for i := range r.now.Loads {
		for _, v := range r.versions() {
			l := v.Loads[i]
			row := []string{l.name(), v.name}
			for _, b := range l.Beside {
				row = append(row, ofAll(b.Right, b.Asked), strconv.FormatFloat(b.P99, 'f', 0, 64))
			}
			t = append(t, row)
		}
	}
	return t.String()
}

func (r report) bursts() string {
	t := markdown.Table{{"burst", "version", "right", "p50 / p99, s", "refused", "p99 of refusals, s", "goroutines", "memory, MiB"}}
	for i := range r.now.Bursts {
		for _, v := range r.versions() {
			b := v.Bursts[i]
			t = append(t, []string{
				b.name(), v.name, ofAll(b.Right, b.Asked), latencies(b.answers), ofAll(b.refused(), b.Asked), seconds(b.RefusedP99),
				markdown.Thousands(float64(b.Process.Goroutines)), strconv.FormatInt(b.Process.Memory, 10),
			})
		}
	}
	return t.String()
}

// refusals returns a table of the codes and texts of all loads and bursts.
func (r report) refusals() string {
	t := markdown.Table{{"code and words", "version", "load", "refused"}}
	add := func(version, load string, all []refusalCount) {
		for _, one := range all {
			t = append(t, []string{
				fmt.Sprintf("`%s`: %s", one.Code, one.Words), version, load, markdown.Thousands(float64(one.Count)),
			})
		}
	}
	for _, v := range r.versions() {
		for _, l := range v.Loads {
			add(v.name, l.name(), l.Load.Refused)
			for _, b := range l.Beside {
				add(v.name, l.name()+", "+b.Kind, b.Refused)
			}
		}
		for _, b := range v.Bursts {
			add(v.name, b.name(), b.Refused)
		}
	}
	return t.String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

func ofAll(n, all int) string {
	return markdown.Thousands(float64(n)) + " of " + markdown.Thousands(float64(all))
}

// latencies returns the latencies of right answers.
func latencies(a answers) string { return seconds(a.P50) + " / " + seconds(a.P99) }

// seconds formats milliseconds as seconds.
func seconds(ms float64) string { return strconv.FormatFloat(ms/1000, 'f', 2, 64) }
