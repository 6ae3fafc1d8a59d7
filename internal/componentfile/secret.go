package componentfile

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

const localFileType = "secretstores.local.file"

// secret resolves a secretKeyRef from the environment, or from a local-file store in the same
// folder (DESIGN.md, section 8).
func secret(p property, storeName, folder string) (string, error) {
	ref := p.SecretKeyRef
	key := cmp.Or(ref.Key, ref.Name) // as in daprd: the key defaults to the secret's name
	variable := variableName(ref.Name + "_" + key)
	if value, ok := os.LookupEnv(variable); ok {
		return value, nil
	}
	stores, err := localFileStores(storeName, folder)
	if err != nil {
		return "", err
	}
	for _, object := range stores {
		entries, err := fetch(object, ref.Name)
		if err != nil {
			return "", err
		}
		if value, ok := entries[key]; ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("its secretKeyRef is not found: set the environment variable %s, "+
		"or put the secret into a %s store in the same folder", variable, localFileType)
}

// variableName turns a text into the name of an environment variable, such as NAME_KEY.
func variableName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		default:
			return '_'
		}
	}, s)
}

// localFileStores returns the metadata of the local-file stores in a folder: of the named one,
// or of all if name is empty.
func localFileStores(name, folder string) ([]map[string]string, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var stores []map[string]string
	for _, file := range files {
		if ext := filepath.Ext(file.Name()); ext != ".yaml" && ext != ".yml" {
			continue
		}
		components, err := read(filepath.Join(folder, file.Name()))
		if err != nil {
			continue // other files in the folder may not be Components
		}
		for _, c := range components {
			if c.Spec.Type != localFileType || name != "" && c.Metadata.Name != name {
				continue
			}
			fields := make(map[string]string, len(c.Spec.Metadata))
			for _, p := range c.Spec.Metadata {
				fields[p.Name] = p.text()
			}
			stores = append(stores, fields)
		}
	}
	return stores, nil
}

func fetch(fields map[string]string, name string) (map[string]string, error) {
	ctx := context.Background()
	log := logger.NewLogger("componentfile")
	log.SetOutputLevel(logger.ErrorLevel) // the command reports the error itself
	secrets, err := backend.OpenSecretStore(ctx, store.Spec{
		Label: "the secret store in the same folder", Type: localFileType, Fields: fields,
	}, store.Options{FailFast: true, Logger: log})
	if err != nil {
		return nil, err
	}
	defer func() { _ = secrets.Close() }()
	entries, err := secrets.Secret(ctx, name)
	switch remedy := credential.RemedyOf(err); {
	case store.Missing(err):
		return nil, nil
	case remedy != "":
		return nil, fmt.Errorf("secret %q of the secret store in the same folder: %s", name, remedy)
	}
	return entries, err
}
