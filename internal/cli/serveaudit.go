package cli

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/dapr/kit/logger"

	"credential-resolver/component"
	"credential-resolver/internal/audit"
	"credential-resolver/resolver/credential"
)

// auditStdout is the --audit-log that stands for standard output.
const auditStdout = "stdout"

// auditFlags are the flags of serve that are about the audit log.
type auditFlags struct {
	log, keyFile string
	required     bool
}

// add adds the flags to flags.
func (f *auditFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.log, "audit-log", "",
		`file that gets a line of JSON for each request, or "stdout"; "audit verify" checks it (default none)`)
	flags.StringVar(&f.keyFile, "audit-key-file", "",
		`file with a key of at least 32 bytes in base64 ("openssl rand -base64 32"), for --audit-log and for the hashes in the log`)
	flags.BoolVar(&f.required, "audit-required", false,
		"answer no request before its line is on the disk; while the audit log cannot be written, requests fail as Unavailable")
}

// check checks that the flags fit together.
func (f *auditFlags) check() error {
	switch {
	case f.log != "" && f.keyFile == "":
		return usageError{errors.New("--audit-log needs --audit-key-file: " + keyRemedy)}
	case f.required && f.log == "":
		return usageError{errors.New("--audit-required needs --audit-log")}
	}
	return nil
}

// open opens the audit log; it is nil without --audit-log. hash hashes names for the log; it is
// nil without --audit-key-file.
func (f *auditFlags) open(
	o *options, log logger.Logger, registry prometheus.Registerer,
) (writer *audit.Writer, hash func(credential.Reference) string, err error) {
	if f.keyFile == "" {
		return nil, nil, nil
	}
	keys, open, err := auditKeys("--audit-key-file", f.keyFile)
	if err != nil {
		return nil, nil, err
	}
	if open {
		log.Warn(openKeyWarning("--audit-key-file", f.keyFile))
	}
	if f.log == "" {
		return nil, keys.NameHash, nil
	}
	opts := audit.Options{Keys: keys, Stream: o.Out, Required: f.required, Log: log, Counter: component.NewAuditMetrics(registry)}
	if f.log != auditStdout {
		if opts.File, err = audit.OpenFile(f.log); err != nil {
			return nil, nil, fmt.Errorf("--audit-log: %w", err)
		}
	}
	writer, err = audit.NewWriter(opts)
	if err != nil {
		return nil, nil, fmt.Errorf("--audit-log: %w", err)
	}
	return writer, keys.NameHash, nil
}
