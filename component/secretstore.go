package component

import (
	"context"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/component/pluggable"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// SecretStore is the component: a secret store whose secrets are finished
// credentials. It is safe for concurrent use once Init has returned.
type SecretStore struct {
	log     logger.Logger
	metrics *Metrics
	report  *reporter
	memory  *memory
	keys    instanceKeys
	open    backend.Options // how its own stores are opened

	settings Settings
	stores   *Stores
	cache    *cache.Cache
	own      bool // whether the cache ends with the instance
	resolver *cache.Handler
}

var (
	_ secretstores.SecretStore = (*SecretStore)(nil)
	_ pluggable.Encoder        = (*SecretStore)(nil)
)

// FactoryOptions are what the secret stores of one factory have in common.
type FactoryOptions struct {
	// Logger is what they log to. Required.
	Logger logger.Logger
	// Metrics are what they count in. Required.
	Metrics *Metrics
	// Before, if it is not nil, runs ahead of each attempt at one of their own stores:
	// see [backend.Options].
	Before func(ctx context.Context, store string) error
	// AllowExecPlugins lets their stores run programs that a file names: see
	// [backend.Options]. False: that is refused at Init.
	AllowExecPlugins bool
}

// Factory returns what makes secret stores that log to log and count in metrics; see
// [FactoryWith].
func Factory(log logger.Logger, metrics *Metrics) func() secretstores.SecretStore {
	return FactoryWith(FactoryOptions{Logger: log, Metrics: metrics})
}

// FactoryWith returns what makes secret stores. Those of one factory share what they
// remember. Each has a key of its own for fingerprints and for the hashes of references
// in the log, which the same instance has again when it is initialised again.
func FactoryWith(o FactoryOptions) func() secretstores.SecretStore {
	keys, memory := newInstanceKeys(), newMemory()
	return func() secretstores.SecretStore {
		return &SecretStore{
			log: o.Logger, metrics: o.Metrics, report: newReporter(o.Logger, o.Metrics, keys.of("")), memory: memory, keys: keys,
			open: backend.Options{Logger: o.Logger, Before: o.Before, AllowExecPlugins: o.AllowExecPlugins},
		}
	}
}

// Init implements secretstores.SecretStore. It fails only for what no retry
// mends, and waits a little for stores to connect (DESIGN.md, section 9).
func (s *SecretStore) Init(ctx context.Context, meta secretstores.Metadata) error {
	settings, err := ParseMetadata(meta.Properties)
	if err != nil {
		return err
	}
	stores, err := Open(ctx, settings, s.open)
	if err != nil {
		return err
	}
	if labels := settings.Unrestricted(); labels != nil {
		s.log.Warn(unrestrictedWarning(labels))
	}
	s.settings, s.stores = settings, stores
	s.report = newReporter(s.log, s.metrics, s.keys.of(pluggable.InstanceID(ctx)))
	if s.own = stores.Configs.Ephemeral(); s.own { // no other instance has these configs
		s.cache = cache.New(settings.Cache)
	} else {
		s.cache = s.memory.cacheOf(meta.Name, meta.Properties, settings.Cache, pluggable.Answers(ctx))
	}
	s.resolver = s.cache.Over(stores.Resolver(settings, s.memory.knownOf, Told{
		UnknownSource: func(guid string) {
			s.metrics.unknownSource.Inc()
			s.log.Warnf("credential %q: its credentialSource is neither direct nor agent; taken for direct", guid)
		},
		Unused: s.report.unused,
	}), settings.RequestTimeout)
	return nil
}

// GetSecret implements secretstores.SecretStore: the finished credential of the
// GUID that is the request's name.
func (s *SecretStore) GetSecret(
	ctx context.Context, req secretstores.GetSecretRequest,
) (secretstores.GetSecretResponse, error) {
	data, err := get(s, req.Name, req.Metadata, func(r Request) (map[string]string, error) {
		data, from, err := s.answer(ctx, req.Name, r)
		s.count(from, err)
		return data, err
	})
	if err != nil {
		return secretstores.GetSecretResponse{}, s.report.report(err)
	}
	return secretstores.GetSecretResponse{Data: data}, nil
}

// GetEncoded is GetSecret, with the answer as a message on the wire.
func (s *SecretStore) GetEncoded(ctx context.Context, req secretstores.GetSecretRequest) ([]byte, error) {
	message, err := get(s, req.Name, req.Metadata, func(r Request) ([]byte, error) { return s.encoded(ctx, req.Name, r) })
	if err != nil {
		return nil, s.report.report(err)
	}
	return message, nil
}

// count counts a request for one credential that was answered.
func (s *SecretStore) count(from cache.Answer, err error) {
	if err != nil {
		return
	}
	s.metrics.ok.Inc()
	if from.FromCache {
		s.metrics.cacheHits.Inc()
	}
}

// get answers one request, once it is known to be one.
func get[T any](
	s *SecretStore, guid string, metadata map[string]string, answer func(Request) (T, error),
) (data T, err error) {
	if !credential.ValidGUID(guid) {
		return data, invalid("", "malformed GUID: "+credential.GUIDRule)
	}
	defer s.recovered(guid, &err)
	req, err := ParseRequest(guid, metadata, s.settings.Format)
	if err != nil {
		return data, err
	}
	return answer(req)
}

// encoded resolves one credential and encodes the answer for the wire. What is asked
// for most, the whole credential in either form, is encoded once.
func (s *SecretStore) encoded(ctx context.Context, guid string, req Request) ([]byte, error) {
	if req.Fields != nil || req.Fingerprint {
		data, from, err := s.answer(ctx, guid, req)
		s.count(from, err)
		return appendMessage(nil, data), err
	}
	from, err := s.resolve(ctx, guid, req)
	if err != nil {
		return nil, err
	}
	slot := 0
	if req.Format == JSON {
		slot = 1
	}
	message, err := from.Memo.Get(slot, func() ([]byte, error) {
		data, err := Encode(from.Credential, req)
		return appendMessage(nil, data), err
	})
	s.count(from, err)
	return message, err
}

// answer resolves one credential and encodes it. It tells what it was made from, too.
func (s *SecretStore) answer(ctx context.Context, guid string, req Request) (map[string]string, cache.Answer, error) {
	from, err := s.resolve(ctx, guid, req)
	if err != nil {
		return nil, from, err
	}
	data, err := Encode(from.Credential, req)
	if err == nil && req.Fingerprint {
		data[FingerprintEntry] = s.report.fingerprint(from.Credential)
	}
	return data, from, err
}

// resolve resolves one credential. An answer may be the last good one while a store
// is down: the first of them is worth a line in the log.
func (s *SecretStore) resolve(ctx context.Context, guid string, req Request) (cache.Answer, error) {
	ask := cache.Ask{LastGood: req.Daprds, NotStale: req.Bulk, Fresh: req.Refresh}
	if req.Rejected != "" {
		ask.Rejected = func(c *credential.Credential) bool { return s.report.fingerprint(c) == req.Rejected }
	}
	answer, err := s.resolver.Resolve(ctx, guid, ask)
	if err == nil && answer.Stale != nil {
		s.report.stale(answer)
	}
	return answer, err
}

// recovered is deferred: it makes a panic the request's error, as section 9 has it.
// What it panicked with, which may hold a secret, is not repeated.
func (s *SecretStore) recovered(guid string, err *error) {
	if cause := recover(); cause != nil {
		s.log.Errorf("credential %q: panic (%T)", guid, cause)
		*err = &credential.Error{Kind: credential.Internal, GUID: guid, Reason: "internal error"}
	}
}

// BulkGetSecret implements secretstores.SecretStore: every finished credential, by
// its GUID, if that is allowed.
func (s *SecretStore) BulkGetSecret(
	ctx context.Context, req secretstores.BulkGetSecretRequest,
) (secretstores.BulkGetSecretResponse, error) {
	data, err := s.bulk(ctx, req.Metadata)
	if err != nil {
		return secretstores.BulkGetSecretResponse{}, s.report.report(err)
	}
	s.metrics.ok.Inc()
	return secretstores.BulkGetSecretResponse{Data: data}, nil
}

// Features implements secretstores.SecretStore: a credential has several entries.
func (s *SecretStore) Features() []secretstores.Feature {
	return []secretstores.Feature{secretstores.FeatureMultipleKeyValuesPerSecret}
}

// GetComponentMetadata implements secretstores.SecretStore. The names are
// checked by Init, which knows them better than a struct could tell.
func (s *SecretStore) GetComponentMetadata() metadata.MetadataMap { return metadata.MetadataMap{} }

// Forget ends what outlives Close, for the next instance with the same metadata: what
// takes from memory in time what is cached. It is for a process that goes on without
// any such instance.
func (s *SecretStore) Forget() {
	if s.cache != nil {
		s.cache.Close()
	}
}

// Close implements secretstores.SecretStore.
func (s *SecretStore) Close() error {
	if s.resolver != nil {
		s.resolver.Close()
	}
	if s.own {
		s.cache.Close()
	}
	s.report.lines.close()
	if s.stores == nil {
		return nil
	}
	return s.stores.Close()
}
