package audit

import "bytes"

// check checks one line.
func (v *Verifier) check(text []byte, tooLong bool) {
	if v.opts.Mixed && !bytes.HasPrefix(text, []byte(linePrefix)) {
		return
	}
	p, ok := parseLine(text)
	switch {
	case tooLong:
		v.spurious("the line is too long for an audit line: it was changed or inserted")
	case ok && v.chain.genuine(p):
		v.genuine(p, parseOwn(text))
	case ok:
		v.spurious("the line was changed or inserted, or written with another key: its chain value is wrong")
	case fragment(text):
		v.torn = append(v.torn, v.here(true, "the line is incomplete: it was changed, or the process was killed while it wrote the line"))
		v.tornText.add(text)
	default:
		v.spurious("the line is no audit line: it was changed or inserted")
	}
}

// spurious reports a line that is not genuine.
func (v *Verifier) spurious(text string) {
	v.flushTorn()
	v.bad++
	v.finding(v.here(true, "%s", text))
}

// flushTorn reports incomplete lines that no line tells of.
func (v *Verifier) flushTorn() {
	for _, f := range v.torn {
		v.bad++
		v.finding(f)
	}
	v.torn, v.tornText = nil, fragments{}
}

// genuine checks the place of a genuine line.
func (v *Verifier) genuine(p parsedLine, o own) {
	v.acceptTorn(o)
	switch {
	case v.begun && p.seq == v.place.seq+1 && p.prev == v.place.value:
	case p.seq == 1 && o.Event == started:
		if !v.newChain(p, o) {
			return
		}
	case !v.begun:
		v.first(p, o)
	case p.seq <= v.place.seq:
		v.finding(v.here(true, "the line has sequence number %d, but follows %d: it was duplicated or moved here", p.seq, v.place.seq))
		return // the lines after it continue the line before it
	case p.seq-v.place.seq-1 > v.bad:
		v.gap(p)
	case v.bad == 0:
		v.finding(v.here(true, "the line does not continue the line before it: the lines are of different logs, or lines were replaced"))
	}
	if !v.begun {
		v.report.First = p.seq
	}
	v.begun, v.place, v.bad, v.time = true, p.link, 0, o.Time
	v.report.Lines++
	for _, a := range v.opts.Anchors {
		if link(a) == p.link {
			v.seen[a] = true
		}
	}
	if o.Event == lost {
		v.report.Lost += o.Lost
		v.finding(v.here(false, "%d lines were lost before this one: the log could not be written", o.Lost))
	}
}

// acceptTorn accepts the incomplete lines that a genuine line tells of.
func (v *Verifier) acceptTorn(o own) {
	switch {
	case o.Torn == v.tornText.sum():
		for _, f := range v.torn {
			f.Bad = false
			f.Text = "the line is incomplete: the process was killed, or the disk was full, while it wrote the line; the chain goes on after it"
			v.finding(f)
		}
		v.torn, v.tornText = nil, fragments{}
	case o.Torn != "" && v.begun:
		v.finding(v.here(true, "the line says that incomplete lines are before it, but they are not, or were changed"))
	}
	v.flushTorn()
}

// newChain checks the beginning of a chain. It returns false if the line is out of place.
func (v *Verifier) newChain(p parsedLine, o own) bool {
	again := v.starts[p.value]
	v.starts[p.value] = true
	switch {
	case again:
		v.finding(v.here(true, "the chain that begins here has begun before: the line was duplicated, or the file was given twice"))
		return false
	case !v.begun:
	case o.Time.Before(v.time.Add(-maxClockStep)):
		v.finding(v.here(true, "the chain that begins here is older than the lines before it: give the files in the order of time"))
	case v.line == 1 || v.opts.Mixed:
		v.finding(v.here(false, "a new chain begins here: the process found no line to continue; only an anchor shows "+
			"whether lines after line %d were cut off", v.place.seq))
	default:
		v.finding(v.here(true, "a new chain begins in the middle of a file: the line was moved or inserted"))
		return v.bad > 0 // the process could not continue what is before it
	}
	return true
}

// first checks the first genuine line, which is not the beginning of a chain.
func (v *Verifier) first(p parsedLine, o own) {
	atTop := v.line == 1 && o.Event == opened
	switch {
	case atTop:
		v.finding(v.here(false, "the chain begins in an earlier file, with lines up to %d", p.seq-1))
	case v.opts.Partial:
		v.finding(v.here(false, "the chain begins before this line: lines up to %d are not checked", p.seq-1))
	case p.seq-1 > v.bad:
		v.finding(v.here(true, "the file begins with line %d: lines before it are missing", p.seq))
	}
}

// gap reports lines that are missing.
func (v *Verifier) gap(p parsedLine) {
	missing := p.seq - v.place.seq - 1 - v.bad
	if missing == 1 && v.bad == 0 {
		v.finding(v.here(true, "line %d is missing before this one: it was removed or moved", p.seq-1))
		return
	}
	v.finding(v.here(true, "%d lines are missing between line %d and this one, %d: they were removed or moved", missing, v.place.seq, p.seq))
}
