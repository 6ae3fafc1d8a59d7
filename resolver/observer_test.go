package resolver_test

import (
	"context"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// reports is an observer that records the reports of one request.
type reports struct {
	configs       []string // as GUID: source, mode
	unknownSource []string // GUIDs
	unusedFields  []string
	firstUnused   []bool
}

var _ resolver.Observer = (*reports)(nil)

func (r *reports) ConfigRead(_ context.Context, guid string, source credential.Source, mode credential.SecretMode) {
	r.configs = append(r.configs, guid+": "+string(source)+", "+string(mode))
}

func (r *reports) UnknownSource(_ context.Context, guid string) {
	r.unknownSource = append(r.unknownSource, guid)
}

func (r *reports) UnusedSecrets(_ context.Context, _ string, unused []resolver.Unused, first bool) {
	for _, u := range unused {
		r.unusedFields = append(r.unusedFields, u.Field)
	}
	r.firstUnused = append(r.firstUnused, first)
}
