package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"credential-resolver/component"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// explainFlags are the flags of "resolve" that belong to --explain.
type explainFlags struct {
	on, showNames   bool
	output, keyFile string
}

func (f *explainFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "explain", false, "print where each field comes from, and no value")
	flags.BoolVar(&f.showNames, "show-names", false,
		"with --explain: print the names of secrets; a value that was looked up and is no name stays hashed")
	flags.StringVar(&f.keyFile, "key-file", "",
		"with --explain: the file of serve's --audit-key-file, for the hashes that the log and audit lines have (default: a random key)")
	flags.StringVarP(&f.output, "output", "o", "table", `with --explain: "table" or "json"`)
}

// check refuses flags that exclude each other.
func (f *explainFlags) check(flags *pflag.FlagSet) error {
	for _, name := range []string{"show-names", "key-file", "output"} {
		if !f.on && flags.Changed(name) {
			return usageError{fmt.Errorf("--%s needs --explain", name)}
		}
	}
	switch {
	case f.on && flags.Changed("format"):
		return usageError{errors.New("--format is for values, and --explain prints none: use --output")}
	case f.output != "table" && f.output != "json":
		return usageError{errors.New(`--output must be "table" or "json"`)}
	}
	return nil
}

// explainer returns a function that prints the explanation of a credential.
func (o *options) explainer(f explainFlags) (func(*credential.Credential) error, error) {
	opts := component.ExplainOptions{ShowNames: f.showNames}
	if f.keyFile == "" {
		opts.Hash = component.RandomHash()
	} else {
		keys, open, err := auditKeys("--key-file", f.keyFile)
		if err != nil {
			return nil, err
		}
		if open {
			_, _ = fmt.Fprintln(o.Err, "warning: "+openKeyWarning("--key-file", f.keyFile))
		}
		opts.Hash = keys.NameHash
	}
	return func(c *credential.Credential) error {
		e, err := component.Explain(cache.Answer{Credential: c}, opts)
		if err != nil {
			return err
		}
		if f.output == "table" {
			return printExplanation(o.Out, e)
		}
		text, err := e.JSON()
		if err != nil {
			return err
		}
		var indented bytes.Buffer
		_ = json.Indent(&indented, text, "", "  ") // it is valid
		_, err = fmt.Fprintln(o.Out, indented.String())
		return err
	}, nil
}

// printExplanation prints an explanation as tables.
func printExplanation(out io.Writer, e component.Explanation) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 3, ' ', 0)
	line := func(cells ...string) { _, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t")) }
	mode := e.Mode
	if e.Source != "" {
		mode = e.Source + ", " + mode
	}
	line("CREDENTIAL", e.GUID)
	line("MODE", mode)
	line("", e.Why)
	line()
	line("FIELD", "ORIGIN", "STORE", "SECRET", "FRESHNESS", "AGE", "WHY")
	for _, f := range e.Fields {
		why := f.Why
		if f.LookedUp != nil {
			why += " (" + f.LookedUp.Outcome + ": " + nameCell(f.LookedUp.SecretName) + ")"
		}
		line(printable(f.Field), f.Origin, orDash(f.Store), nameCell(f.SecretName), f.Freshness, ageCell(f.Read), why)
	}
	if len(e.Secrets) > 0 {
		line()
		line("SECRET", "STORE", "OUTCOME", "FRESHNESS", "AGE")
	}
	for _, s := range e.Secrets {
		line(nameCell(s.SecretName), s.Store, s.Outcome, orDash(s.Freshness), ageCell(s.Read))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(out, styleFor(out).headings(table.String(), "CREDENTIAL", "FIELD", "SECRET"))
	return err
}

// nameCell returns the name or the hash of a secret, with its version.
func nameCell(s component.SecretName) string {
	cell := s.Hash
	if s.Name != "" {
		cell = printable(s.Name)
	}
	if s.Version != "" {
		cell += " version " + printable(s.Version)
	}
	return orDash(cell)
}

func ageCell(r component.Read) string {
	if r.AgeSeconds == nil {
		return "-"
	}
	return time.Duration(*r.AgeSeconds * float64(time.Second)).Truncate(time.Second).String()
}

// printable returns a text as it is, or quoted if it contains what a terminal would not print.
func printable(text string) string {
	if quoted := strconv.Quote(text); quoted[1:len(quoted)-1] != text {
		return quoted
	}
	return text
}
