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

// newState creates one of contrib's store objects, which can be initialised once.
type newState func(logger.Logger) state.Store

// connectTimeout limits one attempt to connect. Some of contrib's statements have no timeout
// of their own, and creating a table can wait a minute for other processes that create it.
const connectTimeout = 90 * time.Second

// connectState creates a store object and connects it. Its error is classified, and a retry
// may help: checkState has already found the permanent errors.
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

// checkState returns the permanent errors in the fields, for a store whose Init checks the
// fields first. It runs Init with a cancelled context, so Init stops before it uses the
// network. A file that the fields name and that is not readable now is no error here: it may
// become readable, so connecting tries again.
func checkState(make newState, fields map[string]string) (err error) {
	log := logger.NewLogger("credential-resolver.check")
	log.SetOutput(io.Discard)
	object := make(store.Quiet(log))
	defer discard(object)
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the store panics with this metadata")
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = object.Init(ctx, state.Metadata{Base: metadata.Base{Properties: fields}})
	// Some stores keep only the text of an error.
	if err == nil || store.PermissionDenied(err) || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), context.Canceled.Error()) {
		return nil
	}
	return err
}

// discard closes a store that was not connected. Some of contrib's stores panic in that case.
func discard(object io.Closer) {
	defer func() { _ = recover() }()
	_ = object.Close()
}

// declareAzure declares the fields for signing in to Azure. contrib reads them without
// declaring them.
func declareAzure(fields metadata.MetadataMap) {
	for _, name := range []string{
		"Certificate", "CertificateFile", "CertificatePassword",
		"ClientID", "ClientSecret", "TenantID", "AzureEnvironment", "AzureAuthMethods",
	} {
		names := azure.MetadataKeys[name]
		fields[names[0]] = metadata.MetadataField{Aliases: names[1:]}
	}
}

// alias declares aliases of a field that contrib reads without declaring them.
func alias(fields metadata.MetadataMap, field string, aliases ...string) {
	f, ok := fields[field]
	if !ok {
		panic(fmt.Sprintf("backend: contrib declares no %s", field))
	}
	f.Aliases = append(f.Aliases, aliases...)
	fields[field] = f
}
