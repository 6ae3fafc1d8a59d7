package componentfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Type is the component type that the commands use.
const Type = "secretstores.credential-resolver"

// component is the part of a Component that the commands need, with daprd's field names.
type component struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Type     string     `json:"type"`
		Metadata []property `json:"metadata"`
	} `json:"spec"`
	Auth struct {
		SecretStore string `json:"secretStore"`
	} `json:"auth"`
}

type property struct {
	Name         string          `json:"name"`
	Value        json.RawMessage `json:"value"`
	SecretKeyRef struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	} `json:"secretKeyRef"`
	EnvRef string `json:"envRef"`
}

// text returns the value as daprd passes it on: a string unchanged, anything else as JSON
// text.
func (p property) text() string {
	var s string
	if json.Unmarshal(p.Value, &s) == nil {
		return s
	}
	return string(p.Value)
}

// Load returns the metadata of the Component of type [Type] in a file, with every reference
// resolved.
func Load(path string) (map[string]string, error) {
	found, err := load(path)
	if err != nil {
		return nil, err
	}
	return found.properties(path)
}

// Name returns the name of the Component of type [Type] in a file.
func Name(path string) (string, error) {
	found, err := load(path)
	return found.Metadata.Name, err
}

func load(path string) (component, error) {
	components, err := read(path)
	if err != nil {
		return component{}, err
	}
	var found []component
	for _, c := range components {
		if c.Spec.Type == Type {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return component{}, fmt.Errorf("%s holds no Component of type %s", path, Type)
	default:
		return component{}, fmt.Errorf("%s holds %d Components of type %s: put each into its own file", path, len(found), Type)
	}
}

// read returns the Components of a file, which may hold several documents.
func read(path string) ([]component, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var components []component
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return components, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not YAML: %w", path, err)
		}
		var c component
		if err := yaml.Unmarshal(document, &c); err != nil {
			return nil, fmt.Errorf("%s is not a Component", path) // the parser's error may quote a value
		}
		if c.Kind == "Component" {
			components = append(components, c)
		}
	}
}

func (c component) properties(path string) (map[string]string, error) {
	properties := make(map[string]string, len(c.Spec.Metadata))
	for _, p := range c.Spec.Metadata {
		value, err := p.resolve(c.Auth.SecretStore, filepath.Dir(path))
		if err == nil {
			value, err = replacePlaceholders(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: metadata %s: %w", path, p.Name, err)
		}
		properties[p.Name] = value
	}
	return properties, nil
}

// resolve returns a property's value. It resolves references in daprd's order: envRef is used
// only without a value, and goes before secretKeyRef.
func (p property) resolve(storeName, folder string) (string, error) {
	value := p.text()
	switch {
	case p.EnvRef != "" && value == "":
		name := strings.ToUpper(p.EnvRef)
		if strings.HasPrefix(name, "DAPR_") || name == "APP_API_TOKEN" {
			return "", nil // daprd does not pass on its own variables
		}
		return os.Getenv(p.EnvRef), nil
	case p.SecretKeyRef.Name != "":
		return secret(p, storeName, folder)
	default:
		return value, nil
	}
}

// placeholders maps the placeholders that daprd replaces in metadata values to environment
// variables that hold the same values here, joined by dots. daprd's namespace ends with the
// application's ID.
var placeholders = map[string][]string{
	"{appID}":     {"APP_ID"},
	"{namespace}": {"NAMESPACE", "APP_ID"},
	"{podName}":   {"POD_NAME"},
}

func replacePlaceholders(value string) (string, error) {
	if strings.Contains(value, "{uuid}") {
		return "", errors.New("{uuid} is different in each daprd, so a command cannot know it")
	}
	for placeholder, variables := range placeholders {
		if !strings.Contains(value, placeholder) {
			continue
		}
		var parts []string
		for _, variable := range variables {
			part := os.Getenv(variable)
			if part == "" {
				return "", fmt.Errorf("daprd replaces %s: set the environment variable %s to the same value", placeholder, variable)
			}
			parts = append(parts, part)
		}
		value = strings.ReplaceAll(value, placeholder, strings.Join(parts, "."))
	}
	return value, nil
}
