#!/usr/bin/env bash
# Credentials by curl: credentials.sh GUID [NAME=VALUE ...]
# An error is exit status 22, with daprd's answer on standard output.
set -euo pipefail

guid=$1
shift
options=()
for pair in "$@"; do
	options+=(--data-urlencode "metadata.$pair")
done
curl --silent --show-error --fail-with-body --get "${options[@]}" \
	"http://127.0.0.1:${DAPR_HTTP_PORT:-3500}/v1.0/secrets/${STORE:-credentials}/$guid"
