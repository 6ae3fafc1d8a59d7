package doccheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// item is one entry of a Component's metadata.
type item struct {
	Name         string
	Value        any
	SecretKeyRef map[string]string `yaml:"secretKeyRef"`
}

// yaml checks that a block parses, and checks the metadata of our Components in it. A list of
// metadata entries alone counts as part of such a Component.
func (r Repository) yaml(b block) []Problem {
	var problems []Problem
	for d := yaml.NewDecoder(strings.NewReader(strings.Join(b.lines, "\n"))); ; {
		var node yaml.Node
		err := d.Decode(&node)
		if errors.Is(err, io.EOF) {
			return problems
		}
		if err != nil {
			return append(problems, Problem{b.line, fmt.Sprintf("it is no YAML: %v", err)})
		}
		if err := r.component(node); err != nil {
			problems = append(problems, Problem{b.line + node.Line - 1, fmt.Sprintf("the Component is refused: %v", err)})
		}
	}
}

// component returns an error if a document is a Component of ours, or a part of one, that is refused.
func (r Repository) component(node yaml.Node) error {
	var whole struct {
		Spec struct {
			Type     string
			Metadata []item
		}
	}
	if err := node.Decode(&whole); err == nil && whole.Spec.Type == r.ComponentType {
		return r.Metadata(properties(whole.Spec.Metadata))
	}
	var part []item
	if err := node.Decode(&part); err != nil || len(part) == 0 || part[0].Name == "" || part[0].Value == nil && part[0].SecretKeyRef == nil {
		return nil
	}
	return r.Metadata(properties(part))
}

// properties returns the metadata as the component gets it from daprd.
func properties(items []item) map[string]string {
	all := map[string]string{}
	for _, one := range items {
		all[one.Name] = "from a secret"
		if one.SecretKeyRef == nil {
			all[one.Name] = fmt.Sprint(one.Value)
		}
	}
	return all
}

// jsonProblems checks that a block is JSON. It may hold several values.
func jsonProblems(b block) []Problem {
	for d := json.NewDecoder(strings.NewReader(strings.Join(b.lines, "\n"))); ; {
		var value any
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return []Problem{{b.line, fmt.Sprintf("it is no JSON: %v", err)}}
		}
	}
}
