package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"credential-resolver/internal/check"
)

// findingWriter prints findings, each at once.
type findingWriter interface {
	write(f check.Finding) error
	end(s check.Summary) error
}

var (
	_ findingWriter = textFindings{}
	_ findingWriter = (*jsonFindings)(nil)
)

// newFindingWriter returns the writer for a value of --output.
func newFindingWriter(output string, out io.Writer) findingWriter {
	if output == "json" {
		return &jsonFindings{out: out}
	}
	return textFindings{out, styleFor(out)}
}

// textFindings prints one line per finding.
type textFindings struct {
	out   io.Writer
	style style
}

func (w textFindings) write(f check.Finding) error {
	severity := fmt.Sprintf("%-7s", f.Severity)
	if f.Severity == check.SeverityError {
		severity = w.style.red(severity)
	} else {
		severity = w.style.yellow(severity)
	}
	_, err := fmt.Fprintf(w.out, "%s  %s  %s  %s\n",
		severity, w.style.bold(orDash(printable(f.GUID))), visible(messageOf(f)), w.style.faint("["+string(f.ID)+"]"))
	return err
}

func (textFindings) end(check.Summary) error { return nil }

// messageOf returns the message of a finding, with the secret and the store that it is about.
func messageOf(f check.Finding) string {
	switch {
	case f.GUID == "" && f.Store != "":
		return f.Store + ": " + f.Message
	case f.Secret != "":
		return fmt.Sprintf("%s (secret %q in %s)", f.Message, f.Secret, f.Store)
	case f.Store != "":
		return f.Message + " (" + f.Store + ")"
	default:
		return f.Message
	}
}

// visible escapes characters that a terminal does not print, such as those in the words of a store.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// jsonFindings prints an object with the findings, one per line, and the summary.
type jsonFindings struct {
	out     io.Writer
	started bool
}

func (w *jsonFindings) write(f check.Finding) error {
	line, err := compactJSON(f)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w.out, w.separator()+line)
	return err
}

func (w *jsonFindings) separator() string {
	if w.started {
		return ",\n"
	}
	w.started = true
	return "{\"findings\":[\n"
}

func (w *jsonFindings) end(s check.Summary) error {
	before := "\n],\n"
	if !w.started {
		before = "{\"findings\":[],\n"
	}
	summary, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.out, "%s\"summary\":%s}\n", before, summary)
	return err
}
