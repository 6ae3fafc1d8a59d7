package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine is more than the length of the longest line, in bytes.
const maxLine = 1 << 20

// maxClockStep is how far a clock may be set back without notice.
const maxClockStep = time.Minute

// maxFindings bounds the findings of a report.
const maxFindings = 100

// Finding is something that Verify found in a file.
type Finding struct {
	// File and Line say where; the first line is 1. File is "" for what is about no line.
	File string
	Line int
	// Bad says that the log was tampered with, or is damaged. False: it is only worth knowing.
	Bad bool
	// Text says what was found.
	Text string
}

// String returns the finding as a line of text.
func (f Finding) String() string {
	if f.File == "" {
		return f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Report is the result of Verify.
type Report struct {
	// Findings are in the order of the lines. Of a log with very many, the first.
	Findings []Finding
	// Bad is the number of bad findings, those included that Findings does not have.
	Bad int
	// Lines is the number of genuine lines, and Lost the number of lines that they say were lost.
	Lines, Lost int
	// First and Last are the sequence numbers of the first and the last genuine line.
	First, Last uint64
	// End is the anchor of the last genuine line.
	End Anchor
}

// VerifyOptions configure a [Verifier].
type VerifyOptions struct {
	// Keys are the keys of the log. Required.
	Keys *Keys
	// Anchors are lines that must be there.
	Anchors []Anchor
	// Mixed accepts other lines in between, as where a log and an audit log share a stream.
	Mixed bool
	// Partial accepts a beginning in the middle of the log.
	Partial bool
}

// Verifier checks the files of an audit log, the oldest first.
type Verifier struct {
	opts   VerifyOptions
	chain  *chainer
	report Report

	place    link // of the last genuine line
	begun    bool // whether a genuine line was seen
	time     time.Time
	bad      uint64    // lines since then that are not genuine
	torn     []Finding // incomplete lines that the next line must tell of
	tornText fragments
	starts   map[chainValue]bool // the beginnings of chains
	seen     map[Anchor]bool

	file string
	line int
}

// NewVerifier returns a verifier that has read nothing.
func NewVerifier(o VerifyOptions) *Verifier {
	return &Verifier{opts: o, chain: newChainer(o.Keys), seen: map[Anchor]bool{}, starts: map[chainValue]bool{}}
}

// Read checks the next file. Its error is that of the reader.
func (v *Verifier) Read(name string, from io.Reader) error {
	v.file, v.line = name, 0
	reader := bufio.NewReaderSize(from, maxLine)
	for {
		text, err := reader.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		text = bytes.TrimSuffix(text, []byte("\n"))
		if len(text) > 0 || err == nil {
			v.line++
			v.check(text, tooLong)
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Report ends the check, and returns what was found.
func (v *Verifier) Report() Report {
	v.flushTorn()
	for _, a := range v.opts.Anchors {
		if !v.seen[a] {
			v.finding(Finding{Bad: true, Text: v.missing(a)})
		}
	}
	if v.report.Lines == 0 && v.report.Bad == 0 {
		v.finding(Finding{Bad: true, Text: "there is no audit line"})
	}
	v.report.Last, v.report.End = v.place.seq, Anchor(v.place)
	return v.report
}

// missing says why an anchor's line may not be there.
func (v *Verifier) missing(a Anchor) string {
	switch {
	case a.seq > v.place.seq:
		return fmt.Sprintf("anchor %s: lines %d to %d are missing at the end: they were cut off, or are in a later file",
			a, v.place.seq+1, a.seq)
	case a.seq < v.report.First:
		return fmt.Sprintf("anchor %s: its line is before the first line, %d: it is in an earlier file", a, v.report.First)
	default:
		return fmt.Sprintf("anchor %s: no line has it: the lines that it stands for were replaced, or it belongs to another log", a)
	}
}

// here returns a finding about the current line.
func (v *Verifier) here(bad bool, format string, args ...any) Finding {
	return Finding{File: v.file, Line: v.line, Bad: bad, Text: fmt.Sprintf(format, args...)}
}

func (v *Verifier) finding(f Finding) {
	if f.Bad {
		v.report.Bad++
	}
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, f)
	}
}

// own are the fields of lines that the Writer writes of itself.
type own struct {
	Time  time.Time `json:"time"`
	Event Event     `json:"event"`
	Torn  string    `json:"torn"`
	Lost  int       `json:"lost"`
}

// parseOwn decodes a genuine line.
func parseOwn(text []byte) own {
	var o own
	_ = json.Unmarshal(text, &o) // the line is genuine, so it is JSON
	return o
}
