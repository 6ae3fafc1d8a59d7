package azure

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// The environment variables of the webhook of Microsoft Entra Workload ID, beside authorityHost.
const (
	clientID  = "AZURE_CLIENT_ID"
	tenantID  = "AZURE_TENANT_ID"
	tokenFile = "AZURE_FEDERATED_TOKEN_FILE"
)

// workloadIdentity is a service account of Kubernetes. The SDK's own drops the error of its file, and
// reads a file of any size.
type workloadIdentity struct {
	azcore.TokenCredential

	mu   sync.Mutex
	file rereading
}

var _ azcore.TokenCredential = (*workloadIdentity)(nil)

const errTokenFile = credential.Remedy("the file in AZURE_FEDERATED_TOKEN_FILE cannot be read")

func newWorkloadIdentity(options azidentity.ClientAssertionCredentialOptions) (*workloadIdentity, error) {
	w := &workloadIdentity{file: rereading{path: os.Getenv(tokenFile), most: store.MaxTokenFile}}
	found, err := azidentity.NewClientAssertionCredential(os.Getenv(tenantID), os.Getenv(clientID), w.assertion, &options)
	w.TokenCredential = homeTenant{found}
	return w, err
}

// GetToken implements azcore.TokenCredential.
func (w *workloadIdentity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if _, err := w.assertion(ctx); err != nil {
		return azcore.AccessToken{}, store.Unavailable(store.Explained(errTokenFile, err))
	}
	return w.TokenCredential.GetToken(ctx, options)
}

func (w *workloadIdentity) assertion(context.Context) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data, err := w.file.read()
	return string(data), err
}

// rereading is a file that is read again for each token. While it cannot be read, its last contents
// count (docs/stores.md).
type rereading struct {
	path string
	most int64
	last []byte
}

func (r *rereading) read() ([]byte, error) {
	switch data, err := store.ReadSmall(r.path, r.most); {
	case err == nil:
		r.last = data
	case r.last == nil:
		if cause := errors.Unwrap(err); cause != nil { // without the path
			err = cause
		}
		return nil, err
	}
	return r.last, nil
}
