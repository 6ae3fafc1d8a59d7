package component

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/nearest"
	"credential-resolver/resolver/credential"
)

// SecretStores gives access to the secret stores of the daprd that calls the save binding.
type SecretStores interface {
	// Use calls fn with the secret store of the named Component, for the call of ctx. It fails
	// with a gRPC status if no such store exists, or else with fn's error.
	Use(ctx context.Context, name string, fn func(*SecretStore) error) error
}

// SaveBinding is the output binding that saves credential configs (DESIGN.md, section 3). It
// writes them to the config store of one of our secret stores.
type SaveBinding struct {
	stores SecretStores
	store  string // the secret store's Component name
}

var (
	_ bindings.OutputBinding = (*SaveBinding)(nil)
	_ SecretStores           = (*pluggable.SecretStores[*SecretStore])(nil)
)

// NewSaveBinding returns a binding that has not been initialised.
func NewSaveBinding(stores SecretStores) *SaveBinding { return &SaveBinding{stores: stores} }

// saveNames returns the valid metadata names of the binding. All except store are daprd's own.
func saveNames() []string { return []string{"direction", "route", "store"} }

// Init implements bindings.OutputBinding. The secret store need not exist yet: daprd may load
// the two in any order when their files change.
func (b *SaveBinding) Init(_ context.Context, meta bindings.Metadata) error {
	for _, name := range slices.Sorted(maps.Keys(meta.Properties)) {
		if !slices.Contains(saveNames(), name) {
			return fmt.Errorf("metadata %s: is unknown%s; the names are %s",
				name, nearest.Hint(name, saveNames()), strings.Join(saveNames(), ", "))
		}
	}
	b.store = meta.Properties["store"]
	if b.store == "" {
		return errors.New("metadata store is missing: set it to the name of the Component " +
			"of type secretstores.credential-resolver in which credentials are saved")
	}
	return nil
}

// Operations implements bindings.OutputBinding.
func (b *SaveBinding) Operations() []bindings.OperationKind {
	return []bindings.OperationKind{bindings.CreateOperation}
}

// Invoke implements bindings.OutputBinding: create stores a config under a new GUID.
func (b *SaveBinding) Invoke(ctx context.Context, req *bindings.InvokeRequest) (*bindings.InvokeResponse, error) {
	var guid string
	err := b.stores.Use(ctx, b.store, func(store *SecretStore) error {
		began := time.Now()
		ctx := store.events.begin(ctx, Saved)
		var err error
		guid, err = store.save(ctx, req)
		return store.answered(ctx, began, &Event{Kind: Saved, GUID: guid}, nil, err)
	})
	if err != nil {
		return nil, err
	}
	answer, err := json.Marshal(map[string]string{"guid": guid})
	if err != nil {
		return nil, err
	}
	contentType := "application/json"
	return &bindings.InvokeResponse{Data: answer, ContentType: &contentType}, nil
}

// GetComponentMetadata implements bindings.OutputBinding. It returns no names: Init checks
// them.
func (b *SaveBinding) GetComponentMetadata() metadata.MetadataMap { return metadata.MetadataMap{} }

// Close implements bindings.OutputBinding.
func (b *SaveBinding) Close() error { return nil }

// save answers a request to save a config. It returns the new GUID.
func (s *SecretStore) save(ctx context.Context, req *bindings.InvokeRequest) (guid string, err error) {
	defer s.recovered("", &err)
	if !s.settings.Local {
		return "", &credential.Error{
			Kind: credential.Denied, Reason: `credentials can be saved only if metadata "environment" is "local"`,
		}
	}
	config, err := savedConfig(req)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.settings.RequestTimeout)
	defer cancel()
	guid = uuid.NewString()
	if err := s.stores.Configs.Put(ctx, guid, config); err != nil {
		return "", credential.ConfigStoreFailure("", err)
	}
	return guid, nil
}

// notSaved returns the request metadata that saving does not support, with the reasons. Any
// other name is ignored: daprd passes on all metadata of the application's own call.
func notSaved() map[string]string {
	return map[string]string{
		"guid":         "a credential is saved under a new GUID",
		"key":          "a credential is saved under a new GUID",
		"ttlinseconds": "a saved credential does not expire",
	}
}

// savedConfig checks the config in a save request, and returns its text. daprd decodes and
// re-encodes the data of an HTTP request, which sorts the fields and rounds large numbers. To
// keep order and digits, send the config's text as a JSON string.
func savedConfig(req *bindings.InvokeRequest) ([]byte, error) {
	if req.Operation != bindings.CreateOperation {
		return nil, invalid("", "unknown operation "+credential.QuoteName(string(req.Operation))+"; the only operation is create")
	}
	for _, name := range slices.Sorted(maps.Keys(req.Metadata)) {
		if reason, ok := notSaved()[strings.ToLower(name)]; ok {
			return nil, invalid("", "request metadata "+credential.QuoteName(name)+" is not allowed: "+reason)
		}
	}
	text, err := credential.Unmarked(req.Data)
	if err != nil {
		return nil, &credential.Error{Kind: credential.FailedPrecondition, Reason: "its config is " + err.Error()}
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || string(text) == "null" {
		return nil, invalid("", `data is missing: send the credential's config, a JSON object`)
	}
	if text[0] == '"' {
		unquoted, err := jsontext.AppendUnquote(nil, text)
		if err != nil {
			return nil, &credential.Error{Kind: credential.FailedPrecondition, Reason: "its config is not a JSON string of valid UTF-8"}
		}
		if text, err = credential.Unmarked(unquoted); err != nil {
			return nil, &credential.Error{Kind: credential.FailedPrecondition, Reason: "its config is " + err.Error()}
		}
	}
	config, err := credential.ParseConfig(text)
	if err == nil {
		err = config.Check()
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}
