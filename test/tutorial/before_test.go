//go:build tutorial

package tutorial

// What a reader has done before a document begins, or does meanwhile, as shell scripts.
const (
	startComponent = "credential-resolver > component.log 2>&1 &\n"
	awaitComponent = "until credential-resolver healthcheck; do sleep 0.1; done\n"

	startDaprd = "daprd --app-id app --resources-path components --dapr-http-port 3500 > daprd.log 2>&1 &\n"
	startLocal = "daprd --app-id app --resources-path components/local --dapr-http-port 3500 > daprd.log 2>&1 &\n"
	awaitDaprd = "curl -sS --fail --retry 60 --retry-delay 1 --retry-connrefused http://localhost:3500/v1.0/healthz\n"

	awaitLine = `until grep '"event":"read"' logs/audit.log; do sleep 0.1; done` + "\n"

	startVault = `vault server -dev -dev-root-token-id=root > vault.log 2>&1 &
until vault status; do sleep 0.1; done
`
	// vaultFiles are the files of the reader that docs/vault.md names.
	vaultFiles = `openssl genrsa 2048 | openssl rsa -pubout -out issuer-public-key.pem
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=client-ca -out client-ca.pem
echo made-up-password > vault-password
`
	// vaultInPod gives Vault what a pod has. The session has mounts of its own.
	vaultInPod = `mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount
cp client-ca.pem /run/secrets/kubernetes.io/serviceaccount/ca.crt
echo made-up-token > /run/secrets/kubernetes.io/serviceaccount/token
`
)

// store stores the config of a sample.
func store(guid string) string {
	return "credential-resolver put -c components/credentials.yaml --guid " + guid + " components/samples/" + guid + ".json\n"
}

// ask waits until daprd is ready, and asks for a credential.
func ask(guid string) string {
	return "curl -sS --fail --retry 60 --retry-delay 1 --retry-connrefused http://localhost:3500/v1.0/secrets/credentials/" + guid + "\n"
}
