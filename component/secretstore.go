package component

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/audit"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// SecretStore is a Dapr secret store. Its secrets are finished credentials. It is safe for
// concurrent use after Init has returned.
type SecretStore struct {
	log       logger.Logger
	observers []Observer // of the process
	memory    *memory
	live      *liveInstances
	keys      instanceKeys
	open      Opener
	auditLog  *audit.Writer // nil: requests are not audited

	settings Settings
	key      instanceKey
	events   *emitter
	audit    *auditor
	went     sync.Once // emits InstanceWent
	stores   *Stores
	cache    *cache.Cache
	own      bool // whether the cache belongs to this instance, and is closed with it
	resolver *cache.Handler
}

var (
	_ secretstores.SecretStore = (*SecretStore)(nil)
	_ pluggable.Encoder        = (*SecretStore)(nil)
)

// Init implements secretstores.SecretStore. It waits up to 3 s for the stores to connect, and
// fails only for errors that a retry cannot fix (DESIGN.md, section 9).
func (s *SecretStore) Init(ctx context.Context, meta secretstores.Metadata) error {
	settings, err := ParseMetadata(meta.Properties)
	if err != nil {
		return err
	}
	id := pluggable.InstanceID(ctx)
	s.observe(meta.Name, s.keys.of(id))
	s.audit = newAuditor(s.auditLog, meta.Name, id)
	stores, err := s.open(ctx, settings, s.events)
	if err != nil {
		return err
	}
	if labels := settings.Unrestricted(); labels != nil {
		s.log.Warn(unrestrictedWarning(labels))
	}
	s.settings, s.stores = settings, stores
	if s.own = stores.Configs.Ephemeral(); s.own { // no other instance has these configs
		s.cache = cache.New(settings.Cache)
	} else {
		s.cache = s.memory.cacheOf(meta.Name, meta.Properties, settings.Cache, pluggable.Answers(ctx))
	}
	s.resolver = s.cache.Over(stores.Resolver(settings, s.memory.knownOf, s.events), settings.RequestTimeout, s.events)
	s.live.add(s)
	s.events.emit(ctx, Event{Kind: InstanceCame})
	return nil
}

// observe sets the instance's key, and connects its events to the process's observers and the
// log.
func (s *SecretStore) observe(component string, key instanceKey) {
	s.key = key
	s.events = newEmitter(component, append(slices.Clone(s.observers), newLogObserver(s.log, key)))
}

// GetSecret implements secretstores.SecretStore. It returns the finished credential of a
// GUID, which is the request's name.
func (s *SecretStore) GetSecret(
	ctx context.Context, req secretstores.GetSecretRequest,
) (secretstores.GetSecretResponse, error) {
	message, err := s.GetEncoded(ctx, req)
	if err != nil {
		return secretstores.GetSecretResponse{}, err
	}
	var answer proto.GetSecretResponse
	if err := protobuf.Unmarshal(message, &answer); err != nil {
		return secretstores.GetSecretResponse{}, status.Error(codes.Internal, credential.ReasonInternal)
	}
	if answer.Data == nil { // a credential without fields
		answer.Data = map[string]string{}
	}
	return secretstores.GetSecretResponse{Data: answer.Data}, nil
}

// GetEncoded implements pluggable.Encoder. It returns the answer of GetSecret as an encoded
// protocol message.
func (s *SecretStore) GetEncoded(ctx context.Context, req secretstores.GetSecretRequest) ([]byte, error) {
	began, guid := time.Now(), req.Name
	if !credential.ValidGUID(guid) {
		guid = ""
	}
	ctx = s.events.begin(ctx, Resolved)
	event := Event{Kind: Resolved, GUID: guid}
	message, err := s.get(ctx, req.Metadata, &event)
	if err = s.answered(ctx, began, &event, nil, err); err != nil {
		return nil, err
	}
	return message, nil
}

// answered audits and reports a request that ended with err, and returns its error as a gRPC
// status. The receipt is that of the request's earlier audit lines; nil if there are none.
func (s *SecretStore) answered(ctx context.Context, began time.Time, event *Event, receipt *audit.Receipt, err error) error {
	event.Took, event.Err = time.Since(began), asError(err)
	event.Err = s.audit.commit(ctx, event, receipt)
	s.events.emit(ctx, *event)
	if event.Err == nil {
		return nil
	}
	return status.Error(event.Code(), event.Err.Error())
}

// get answers a request for one credential, and describes the answer in the event. The event's
// GUID is "" if the request's is malformed. Most requests ask for the whole credential, so its
// encoding is kept, once per format.
func (s *SecretStore) get(ctx context.Context, metadata map[string]string, event *Event) (message []byte, err error) {
	guid := event.GUID
	defer s.recovered(guid, &err)
	if guid == "" {
		return nil, invalid("", "malformed GUID: "+credential.GUIDRule)
	}
	req, err := ParseRequest(guid, metadata, s.settings.Format)
	if err != nil {
		return nil, err
	}
	event.Fields = req.Fields
	answer, err := s.resolve(ctx, guid, req)
	event.Cache, event.Waited, event.Credential = answer.State, answer.Waited, answer.Credential
	if err != nil {
		return nil, err
	}
	memo, slot := answer.Memo, 0
	if req.Fields != nil || req.Fingerprint || req.Explain {
		memo = nil
	}
	if req.Format == JSON {
		slot = 1
	}
	return memo.Get(slot, func() ([]byte, error) {
		data, err := s.encode(answer, req)
		if err != nil {
			return nil, err
		}
		return appendMessage(nil, data), nil
	})
}

// encode returns the answer to a request: the credential or its explanation, with its fingerprint
// if the request asks for it.
func (s *SecretStore) encode(answer cache.Answer, req Request) (data map[string]string, err error) {
	if req.Explain {
		data, err = encodeExplanation(answer, ExplainOptions{Fields: req.Fields, Hash: s.key.hash})
	} else {
		data, err = Encode(answer.Credential, req)
	}
	if err == nil && req.Fingerprint {
		data[FingerprintEntry] = s.key.fingerprint(answer.Credential)
	}
	return data, err
}

// resolve resolves one credential. While a store is down or slow, the answer may be the last
// good credential (stale-while-error).
func (s *SecretStore) resolve(ctx context.Context, guid string, req Request) (cache.Answer, error) {
	ask := cache.Ask{LastGood: req.FromRuntime, NotStale: req.Bulk, Fresh: req.Refresh}
	if req.Rejected != "" {
		ask.Rejected = func(c *credential.Credential) bool { return s.key.fingerprint(c) == req.Rejected }
	}
	answer, err := s.resolver.Resolve(ctx, guid, ask)
	if err == nil && answer.Stale != nil {
		s.events.emit(ctx, Event{
			Kind: ServedStale, GUID: guid, Err: asError(answer.Stale), Age: time.Since(answer.ReadAt), First: answer.BecameStale,
		})
	}
	return answer, err
}

// recovered turns a panic into the request's error (section 9). The caller defers it. It does
// not log the panic's value, which may contain a secret.
func (s *SecretStore) recovered(guid string, err *error) {
	if cause := recover(); cause != nil {
		s.log.Errorf("credential %q: panic (%T)", guid, cause)
		*err = &credential.Error{Kind: credential.Internal, GUID: guid, Reason: credential.ReasonInternal}
	}
}

// BulkGetSecret implements secretstores.SecretStore. It returns every finished credential, by
// GUID, if allowBulk is set.
func (s *SecretStore) BulkGetSecret(
	ctx context.Context, req secretstores.BulkGetSecretRequest,
) (secretstores.BulkGetSecretResponse, error) {
	ctx = s.events.begin(ctx, BulkAnswered)
	began, event, receipt := time.Now(), Event{Kind: BulkAnswered}, s.audit.newReceipt()
	data, err := s.bulk(ctx, req.Metadata, &event, receipt)
	if err = s.answered(ctx, began, &event, receipt, err); err != nil {
		return secretstores.BulkGetSecretResponse{}, err
	}
	return secretstores.BulkGetSecretResponse{Data: data}, nil
}

// Features implements secretstores.SecretStore: a credential has several entries.
func (s *SecretStore) Features() []secretstores.Feature {
	return []secretstores.Feature{secretstores.FeatureMultipleKeyValuesPerSecret}
}

// GetComponentMetadata implements secretstores.SecretStore. It returns no names: a struct
// cannot describe them, and Init checks them.
func (s *SecretStore) GetComponentMetadata() metadata.MetadataMap { return metadata.MetadataMap{} }

// Close implements secretstores.SecretStore.
func (s *SecretStore) Close() error {
	if s.resolver != nil {
		s.resolver.Close()
		s.went.Do(func() {
			s.live.remove(s)
			s.events.emit(context.Background(), Event{Kind: InstanceWent})
		})
	}
	if s.own {
		s.cache.Close()
	}
	if s.stores == nil {
		return nil
	}
	return s.stores.Close()
}
