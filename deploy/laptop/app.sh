# Stands for your application: asks its daprd for a credential. It prints no secret.
set -eu
curl --silent --show-error --fail \
	"http://localhost:$DAPR_HTTP_PORT/v1.0/secrets/credentials/analytics-db?metadata.fields=host,username"
echo
