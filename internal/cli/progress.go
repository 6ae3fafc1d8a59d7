package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progressInterval is the time between two changes of a progress bar.
const progressInterval = 100 * time.Millisecond

// progressCells is the width of a progress bar.
const progressCells = 24

// progress shows on a terminal how far a command is. It shows nothing elsewhere.
type progress struct {
	out   io.Writer // nil: no terminal
	style style
	now   func() time.Time
	drawn time.Time
	shown bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{style: styleFor(out), now: time.Now}
	if isTerminal(out) {
		p.out = out
	}
	return p
}

// set shows that done of total credentials are done. It shows nothing at the end, or just after it has
// shown something.
func (p *progress) set(done, total int) {
	if p.out == nil || done == total || p.now().Sub(p.drawn) < progressInterval {
		return
	}
	p.drawn, p.shown = p.now(), true
	full := progressCells * done / total
	bar := p.style.green(strings.Repeat("█", full)) + p.style.faint(strings.Repeat("░", progressCells-full))
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s %3d%%  %d of %s", bar, 100*done/total, done, counted(total, "credential"))
}

// clear removes the bar, before something else is written to the terminal.
func (p *progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
		p.shown, p.drawn = false, time.Time{}
	}
}
