//go:build e2e && (stores || kubernetes)

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// object is any object of an API server.
type object = map[string]any

// manifests returns the objects in one of our files.
func manifests(t *testing.T, path string) []object {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return decodeManifests(t, text)
}

func decodeManifests(t *testing.T, text []byte) []object {
	t.Helper()
	var found []object
	for documents := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		err := documents.Decode(&o)
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		if len(o) > 0 {
			found = append(found, o)
		}
	}
}

// clusterKinds are the kinds of objects that are in no namespace.
var clusterKinds = []string{
	"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "Namespace",
}

// collection returns the path of the collection that an object belongs to. Without a namespace, it
// belongs to the default one.
func collection(o object) string {
	version := fmt.Sprint(o["apiVersion"])
	prefix := "/apis/" + version
	if version == "v1" {
		prefix = "/api/v1"
	}
	plural := strings.ToLower(fmt.Sprint(o["kind"])) + "s"
	if stem, ok := strings.CutSuffix(plural, "ys"); ok {
		plural = stem + "ies"
	}
	if slices.Contains(clusterKinds, fmt.Sprint(o["kind"])) {
		return prefix + "/" + plural
	}
	return prefix + "/namespaces/" + namespaceOf(o) + "/" + plural
}

func namespaceOf(o object) string {
	if namespace, ok := o["metadata"].(object)["namespace"].(string); ok {
		return namespace
	}
	return "default"
}
