package main

import (
	"errors"
	"fmt"
)

// The goals for an overload.
const (
	leastShare = 0.9   // of the capacity, in right answers
	longest    = 2_000 // ms, for 99% of the right answers
)

// check compares the figures with the goals. Its error lists all that missed them.
func (f figures) check() error {
	var failures []error
	for _, l := range f.Loads {
		if l.share() < leastShare {
			failures = append(failures, fmt.Errorf("%s: %.1f right answers a second, of %.1f that the store can answer",
				l.name(), l.Rate, l.Capacity))
		}
		failures = append(failures, l.Load.check(l.name()))
		for _, b := range l.Beside {
			name := l.name() + ": " + b.Kind
			if b.Right < b.Asked {
				failures = append(failures, fmt.Errorf("%s was answered right %d of %d times", name, b.Right, b.Asked))
			}
			failures = append(failures, b.check(name))
		}
	}
	for _, b := range f.Bursts {
		if least := leastShare * b.Capacity; float64(b.Right) < least {
			failures = append(failures, fmt.Errorf("%s: %d right answers, less than the %.0f that the store can give in a second",
				b.name(), b.Right, least))
		}
		failures = append(failures, b.checkRight(b.name()))
	}
	return errors.Join(failures...)
}

// check checks the goals that apply to every steady load.
func (a answers) check(name string) error {
	if a.P99 >= longest {
		return errors.Join(fmt.Errorf("%s: 99 in 100 right answers took up to %.0f ms", name, a.P99), a.checkRight(name))
	}
	return a.checkRight(name)
}

func (a answers) checkRight(name string) error {
	if a.Wrong > 0 {
		return fmt.Errorf("%s: %d wrong answers", name, a.Wrong)
	}
	return nil
}

// name returns a load's name.
func (l loadFigure) name() string { return fmt.Sprintf("%d×", l.Multiple) + each(l.Secrets) }

func (b burstFigure) name() string { return fmt.Sprintf("burst %d", b.Number) + each(b.Secrets) }

// each names the number of secrets per credential, unless it is one.
func each(secrets int) string {
	if secrets == 1 {
		return ""
	}
	return fmt.Sprintf(", %d secrets each", secrets)
}
