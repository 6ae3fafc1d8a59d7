package component_test

import (
	"testing"

	conformance "github.com/dapr/components-contrib/tests/conformance/secretstores"
)

// TestConformance runs the suite of components-contrib for secret stores against the component,
// over its socket and with daprd's client.
func TestConformance(t *testing.T) {
	w := newFileStores(t)
	w.config("conftestsecret", `{}`)
	w.config("secondsecret", `{}`)
	w.secrets(`{"conftestsecret":{"conftestsecret":"abcd"},"secondsecret":{"secondsecret":"efgh"}}`)

	conformance.ConformanceTests(t, w.properties(map[string]string{"allowBulk": "true"}), w.connect(),
		conformance.NewTestConfig("credential-resolver", nil))
}
