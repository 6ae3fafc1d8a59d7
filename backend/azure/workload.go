package azure

import (
	"context"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
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

	file rereading
}

var _ azcore.TokenCredential = (*workloadIdentity)(nil)

func newWorkloadIdentity(options azidentity.ClientAssertionCredentialOptions) (*workloadIdentity, error) {
	w := &workloadIdentity{file: rereading{
		path: os.Getenv(tokenFile), most: store.MaxTokenFile, unreadable: "the file in AZURE_FEDERATED_TOKEN_FILE cannot be read",
	}}
	found, err := azidentity.NewClientAssertionCredential(os.Getenv(tenantID), os.Getenv(clientID), func(context.Context) (string, error) {
		data, err := w.file.read()
		return string(data), err
	}, &options)
	w.TokenCredential = homeTenant{found}
	return w, err
}

// GetToken implements azcore.TokenCredential.
func (w *workloadIdentity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if _, err := w.file.read(); err != nil {
		return azcore.AccessToken{}, err
	}
	token, err := w.TokenCredential.GetToken(ctx, options)
	return token, w.file.excuse(err)
}
