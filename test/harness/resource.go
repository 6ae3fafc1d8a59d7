package harness

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Resource is a Component file.
type Resource struct {
	Name     string // of the Component
	Type     string // such as "state.redis"; its version is v1
	Metadata map[string]string
}

// File returns the name of the resource's file.
func (r Resource) File() string { return r.Name + ".yaml" }

// Write writes the resource's file into a folder.
func (r Resource) Write(folder string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n", r.Name)
	fmt.Fprintf(&b, "spec:\n  type: %s\n  version: v1\n  metadata:\n", r.Type)
	for _, name := range slices.Sorted(maps.Keys(r.Metadata)) {
		fmt.Fprintf(&b, "  - name: %s\n    value: %q\n", name, r.Metadata[name])
	}
	return os.WriteFile(filepath.Join(folder, r.File()), []byte(b.String()), 0o600)
}

// WriteResources creates a folder with these resources.
func WriteResources(folder string, resources []Resource) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, r := range resources {
		if err := r.Write(folder); err != nil {
			return err
		}
	}
	return nil
}
