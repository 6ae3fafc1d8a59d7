package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnswersAreCounted(t *testing.T) {
	var outcomes []outcome
	for i := range 100 {
		outcomes = append(outcomes, outcome{result: right, took: time.Duration(i+1) * time.Millisecond})
	}
	outcomes = append(outcomes, outcome{result: wrong},
		outcome{code: "Unavailable", words: "overloaded", took: 7 * time.Millisecond},
		outcome{code: "Unavailable", words: "down", took: time.Millisecond},
		outcome{code: "Unavailable", words: "overloaded", took: 7 * time.Millisecond})
	a := answersOf(outcomes)
	require.Equal(t, answers{
		Asked: 104, Right: 100, Wrong: 1, P50: 50, P99: 99, RefusedP99: 7,
		Refused: []refusalCount{{"Unavailable", "overloaded", 2}, {"Unavailable", "down", 1}},
	}, a)
	require.Equal(t, 3, a.refused())
	require.Zero(t, answersOf(nil).P99)
}

func TestRatesAreOfTheTimeThatTheyName(t *testing.T) {
	at := func(ms int) outcome { return outcome{at: time.Duration(ms) * time.Millisecond} }
	outcomes := []outcome{at(1), at(999), at(1000), at(2500), at(3000)}
	require.Equal(t, []int{2, 1, 1}, perSecond(outcomes, 3*time.Second), "outcomes after the end must be ignored")
	require.InDelta(t, 1, rate(outcomes, time.Second, 3*time.Second), 1e-9)
}

func TestTheGoalNamesWhatMissedIt(t *testing.T) {
	good := loadFigure{
		Multiple: 2, Secrets: 1, Capacity: 20, Rate: 18,
		Load: answers{P99: 1999}, Beside: []besideFigure{{besideCached, answers{Asked: 5, Right: 5}}},
	}
	require.NoError(t, figures{Loads: []loadFigure{good}}.check())
	for words, change := range map[string]func(*loadFigure){
		"2×: 17.9 right answers a second":           func(l *loadFigure) { l.Rate = 17.9 },
		"2×: 99 in 100 right answers took up to":    func(l *loadFigure) { l.Load.P99 = longest },
		"2×: 1 wrong answers":                       func(l *loadFigure) { l.Load.Wrong = 1 },
		"a cached credential was answered right 4":  func(l *loadFigure) { l.Beside[0].Right = 4 },
		"a cached credential: 99 in 100 right answ": func(l *loadFigure) { l.Beside[0].P99 = longest },
	} {
		l := good
		l.Beside = []besideFigure{good.Beside[0]}
		change(&l)
		require.ErrorContains(t, figures{Loads: []loadFigure{l}}.check(), words)
	}

	bursts := []burstFigure{
		{Number: 1, Secrets: 1, Capacity: 320, answers: answers{Right: 288, P99: longest}},
		{Number: 2, Secrets: 3, Capacity: 320, answers: answers{Right: 287}},
	}
	require.NoError(t, figures{Bursts: bursts[:1]}.check())
	require.ErrorContains(t, figures{Bursts: bursts}.check(), "burst 2, 3 secrets each: 287 right answers")
}
