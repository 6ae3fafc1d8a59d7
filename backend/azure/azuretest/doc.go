// Package azuretest is Azure as a client sees it through a proxy: Microsoft Entra ID and a Key Vault,
// with their own host names and with TLS. It is for tests: set HTTPS_PROXY and SSL_CERT_FILE to a
// [Cloud]'s.
package azuretest
