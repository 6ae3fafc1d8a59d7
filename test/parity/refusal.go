package main

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
)

// A credential that refers to nothing.
const (
	literalGUID = "literals"
	literal     = `{"credentialSource":"agent","host":"db.example.com","password":"gone"}`
)

// refusals are the departures that generated credentials cannot show: the original returns the
// config unchanged, and our component refuses.
var refusals = []struct{ departure, originals, store, code string }{
	{"a store that fails is an error, not literals", "secretstore-down", "credentials-down", codes.Unavailable.String()},
	{
		"an agent credential in which nothing was replaced is an error, unless unresolved is allow",
		"secretstore", "credentials-strict", codes.FailedPrecondition.String(),
	},
}

// tryRefusals checks that both sides behave as these departures say.
func (p *testbed) tryRefusals(ctx context.Context, out io.Writer, python string) error {
	config, err := outcomeOf(literal)
	if err != nil {
		return err
	}
	for _, r := range refusals {
		process, err := startOriginal(ctx, python, p.folder, "production", p.daprd, "SECRET_STORE_NAME="+r.originals)
		if err != nil {
			return err
		}
		answer, err := process.ask(originalRequest{Call: "resolve", GUID: literalGUID})
		process.stop()
		if err != nil {
			return err
		}
		theirs, err := outcomeOf(answer.Value)
		if err != nil || !equal(theirs.credential, config.credential, false) {
			return fmt.Errorf("%s: the original answers otherwise: %s%s", r.departure, answer.Value, answer.Error)
		}
		ours, text, err := p.ask(ctx, r.store, literalGUID)
		if err != nil {
			return err
		}
		if ours.code != r.code {
			return fmt.Errorf("%s: we answer otherwise: %s", r.departure, text)
		}
		_, _ = fmt.Fprintln(out, "different as it should be:", r.departure)
	}
	return nil
}
