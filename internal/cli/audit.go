package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"credential-resolver/internal/audit"
)

func newAudit(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check an audit log",
		Long: "Checks the log that \"serve --audit-log\" writes: a line of JSON for each request, chained so that nobody can\n" +
			"change it unnoticed without the key.",
		Example: "  credential-resolver audit verify --key-file audit.key audit.log",
		Args:    exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New(`audit needs a command: "audit verify"`)}
		},
	}
	cmd.AddCommand(newAuditVerify(o))
	return cmd
}

func newAuditVerify(o *options) *cobra.Command {
	var anchors []string
	var opts audit.VerifyOptions
	cmd := &cobra.Command{
		Use:   "verify --key-file K FILE",
		Short: "Check that no line of an audit log was changed, removed, inserted, duplicated or moved",
		Long: "Checks the chain of lines in the files of serve's --audit-log, the oldest file first. \"-\" is standard input.\n" +
			"Exit 0: the files are as they were written. Exit 1: they are not; each finding has the file, the line and\n" +
			"what is wrong.\n\n" +
			"Lines that were cut off at the end leave no trace in the files. --anchor shows that they were: it takes\n" +
			"the text behind \"audit log: anchor\" in a line of the component's log.",
		Example: "  credential-resolver audit verify --key-file audit.key audit.log.2 audit.log.1 audit.log\n" +
			"  kubectl logs pod -c credential-resolver | credential-resolver audit verify --key-file audit.key --mixed -",
	}
	keys := keyFileFlag(cmd)
	cmd.Flags().StringArrayVar(&anchors, "anchor", nil, "an anchor from the log: lines up to it must be there; may be repeated")
	cmd.Flags().BoolVar(&opts.Mixed, "mixed", false, "skip other lines, for a log and an audit log in one stream (--audit-log stdout)")
	cmd.Flags().BoolVar(&opts.Partial, "partial", false, "accept that the first file begins in the middle of the audit log")
	cmd.RunE = func(_ *cobra.Command, files []string) error {
		if len(files) == 0 {
			return usageError{errors.New("audit verify: name the files of the audit log, the oldest first")}
		}
		for _, text := range anchors {
			anchor, err := audit.ParseAnchor(text)
			if err != nil {
				return usageError{fmt.Errorf("--anchor: %w", err)}
			}
			opts.Anchors = append(opts.Anchors, anchor)
		}
		var err error
		if opts.Keys, err = keys(); err != nil {
			return err
		}
		return o.verify(opts, files)
	}
	return cmd
}

// verify checks the files of an audit log, and prints what it found.
func (o *options) verify(opts audit.VerifyOptions, files []string) error {
	verifier := audit.NewVerifier(opts)
	for _, name := range files {
		if err := o.verifyFile(verifier, name); err != nil {
			return err
		}
	}
	report := verifier.Report()
	for _, finding := range report.Findings {
		if _, err := fmt.Fprintln(o.Out, finding); err != nil {
			return err
		}
	}
	if report.Bad > 0 {
		return fmt.Errorf("the audit log is not as it was written: %s", counted(report.Bad, "finding"))
	}
	_, err := fmt.Fprintf(o.Out, "ok: %d lines, %d to %d, %d lost; the last line is anchor %s\n",
		report.Lines, report.First, report.Last, report.Lost, report.End)
	return err
}

func (o *options) verifyFile(verifier *audit.Verifier, name string) error {
	if name == "-" {
		return verifier.Read("standard input", o.In)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return verifier.Read(name, f)
}
