package component

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"credential-resolver/internal/audit"
	"credential-resolver/resolver/credential"
)

// maxBulk is how many credentials one bulk request resolves at a time.
const maxBulk = 8

// bulk answers a request for every credential (DESIGN.md, section 3). The event gets the fields
// that were asked for, and the receipt the audit lines of the credentials. A credential that
// cannot be resolved is left out, with a warning and a metric. A credential that has been
// deleted since it was listed is left out silently. A store that is down or slow fails the
// whole request, and so does a panic: an incomplete answer must not look complete.
func (s *SecretStore) bulk(
	ctx context.Context, metadata map[string]string, event *Event, receipt *audit.Receipt,
) (answer map[string]map[string]string, err error) {
	defer s.recovered("", &err)
	if !s.settings.AllowBulk {
		return nil, &credential.Error{
			Kind: credential.Denied, Reason: "listing all credentials is not allowed (metadata allowBulk): ask for one by its GUID",
		}
	}
	req, err := ParseRequest("", metadata, s.settings.Format)
	if err != nil {
		return nil, err
	}
	if req.Explain {
		return nil, invalid("", "metadata.explain explains one credential: ask for one by its GUID")
	}
	event.Fields = req.Fields
	req.FromRuntime, req.Bulk = false, true // daprd reads the secrets for its components one by one
	ctx, cancel := context.WithTimeout(ctx, s.settings.RequestTimeout)
	defer cancel()
	guids, err := s.resolver.List(ctx)
	if err != nil {
		return nil, err
	}
	answers := bulkAnswer{data: map[string]map[string]string{}}
	if err := answers.mayHold(guids); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxBulk)
	for _, guid := range guids {
		group.Go(func() (err error) {
			defer s.recovered(guid, &err)
			if err := ctx.Err(); err != nil {
				return outOfTime(err)
			}
			return s.addTo(ctx, &answers, guid, req, receipt)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return answers.data, nil
}

// addTo adds one credential to a bulk answer, or leaves it out. Its error fails the whole
// request.
func (s *SecretStore) addTo(ctx context.Context, answers *bulkAnswer, guid string, req Request, receipt *audit.Receipt) error {
	began := time.Now()
	from, err := s.resolve(ctx, guid, req)
	var data map[string]string
	if err == nil {
		data, err = s.encode(from, req)
	}
	switch {
	case err == nil:
		event := Event{
			Kind: Resolved, GUID: guid, InBulk: true, Cache: from.State, Waited: from.Waited, Took: time.Since(began),
			Credential: from.Credential, Fields: req.Fields,
		}
		s.audit.add(ctx, event, receipt)
		s.events.emit(ctx, event)
		return answers.add(guid, data)
	case credential.KindOf(err).Retryable():
		return err
	case !credential.NoSuchCredential(err):
		event := Event{
			Kind: LeftOut, GUID: guid, Err: asError(err), Cache: from.State, Took: time.Since(began), Fields: req.Fields,
		}
		s.audit.add(ctx, event, receipt)
		s.events.emit(ctx, event)
	}
	return nil
}

// outOfTime returns the error of a request that ended before every credential was resolved.
func outOfTime(ended error) error {
	return &credential.Error{
		Kind:   credential.KindOf(ended),
		Reason: "not all credentials were resolved in time: ask for single credentials, or raise metadata requestTimeout",
	}
}

// bulkAnswer collects the answer to a bulk request, up to the size that daprd accepts.
type bulkAnswer struct {
	mu   sync.Mutex
	data map[string]map[string]string
	size int
}

// mayHold fails if the GUIDs alone are too large for an answer.
func (a *bulkAnswer) mayHold(guids []string) error {
	size := 0
	for _, guid := range guids {
		size += len(guid)
	}
	if size > maxAnswer {
		return errBulkTooLarge()
	}
	return nil
}

func (a *bulkAnswer) add(guid string, data map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.data[guid] = data
	a.size += bulkEntrySize(guid, data)
	if a.size > maxAnswer {
		return errBulkTooLarge()
	}
	return nil
}

func errBulkTooLarge() error {
	return &credential.Error{
		Kind: credential.TooLarge,
		Reason: "the answer is larger than the runtime's limit of 4 MiB: " +
			"ask for single credentials, or for fewer fields with metadata.fields",
	}
}
