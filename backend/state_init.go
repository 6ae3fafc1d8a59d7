package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dapr/components-contrib/common/authentication/azure"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
)

// newState makes a store object of contrib's, which can be initialised once.
type newState func(logger.Logger) state.Store

// connectTimeout bounds one attempt: some of contrib's statements have no limit
// of their own, and making a table can wait a minute for others that make it.
const connectTimeout = 90 * time.Second

// connectState makes a store object and connects it. Its error is classified, and
// one that a retry may mend: checkState has seen to the rest.
func connectState(
	ctx context.Context, make newState, fields map[string]string, log logger.Logger, classify func(error) error,
) (store.ConfigConn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	object := make(log)
	if err := object.Init(ctx, state.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
		go discard(object) // it may wait for a connection that is being made
		return nil, classify(err)
	}
	return newStateConn(object, classify), nil
}

// checkState returns what no retry mends in the fields of a store that begins its
// Init by checking them. It lets Init go as far as the first use of a network,
// which the context forbids. A file that the fields name and that we have no permission to
// read may be readable in a moment: connecting tries again.
func checkState(make newState, fields map[string]string) (err error) {
	log := logger.NewLogger("credential-resolver.check")
	log.SetOutput(io.Discard)
	object := make(store.Quiet(log))
	defer discard(object)
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the metadata make the store panic")
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = object.Init(ctx, state.Metadata{Base: metadata.Base{Properties: fields}})
	// Some stores keep of an error nothing but its text.
	if err == nil || store.PermissionDenied(err) || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), context.Canceled.Error()) {
		return nil
	}
	return err
}

// discard closes a store that was not connected. Some of contrib's stores panic
// then.
func discard(object io.Closer) {
	defer func() { _ = recover() }()
	_ = object.Close()
}

// declareAzure has the fields known that signing in to Azure takes: contrib reads
// them without declaring them.
func declareAzure(fields metadata.MetadataMap) {
	for _, name := range []string{
		"Certificate", "CertificateFile", "CertificatePassword",
		"ClientID", "ClientSecret", "TenantID", "AzureEnvironment", "AzureAuthMethods",
	} {
		names := azure.MetadataKeys[name]
		fields[names[0]] = metadata.MetadataField{Aliases: names[1:]}
	}
}

// alias has a field's aliases known that contrib reads without declaring them.
func alias(fields metadata.MetadataMap, field string, aliases ...string) {
	f, ok := fields[field]
	if !ok {
		panic(fmt.Sprintf("backend: contrib declares no %s", field))
	}
	f.Aliases = append(f.Aliases, aliases...)
	fields[field] = f
}
