package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"credential-resolver/resolver/credential"
)

// maxDepth limits how deeply a YAML config may nest.
const maxDepth = 100

// fromYAML converts a YAML document to JSON. Fields keep their order, and numbers keep their
// digits if JSON can represent them.
func fromYAML(text []byte) ([]byte, error) {
	var document yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(text))
	if err := documents.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("is not valid YAML" + yamlLine(err))
	}
	if err := documents.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one YAML document: a config is one object")
	}
	if len(document.Content) == 0 {
		return nil, errors.New("is empty: a config is one object")
	}
	return appendYAML(nil, document.Content[0], 0)
}

var lineInError = regexp.MustCompile(`line (\d+)`)

// yamlLine extracts the line number from a parser's error. The rest of the error may quote the
// text.
func yamlLine(err error) string {
	if m := lineInError.FindStringSubmatch(err.Error()); m != nil {
		return ": line " + m[1]
	}
	return ""
}

func appendYAML(dst []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth > maxDepth || len(dst) > credential.MaxConfigSize {
		return nil, fmt.Errorf("is too large or nested too deeply: line %d", n.Line)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return appendMapping(dst, n, depth)
	case yaml.SequenceNode:
		dst = append(dst, '[')
		for i, element := range n.Content {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendYAML(dst, element, depth+1); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case yaml.AliasNode:
		return appendYAML(dst, n.Alias, depth+1)
	default:
		return appendScalar(dst, n)
	}
}

func appendMapping(dst []byte, n *yaml.Node, depth int) ([]byte, error) {
	dst = append(dst, '{')
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.ShortTag() == "!!merge" {
			return nil, fmt.Errorf("has a merge key (<<), which is not supported: line %d; write out the fields that it adds", key.Line)
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("has a key that is not a plain name: line %d", key.Line)
		}
		if seen[key.Value] {
			return nil, fmt.Errorf("has the same name twice in one object: line %d", key.Line)
		}
		seen[key.Value] = true
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = jsontext.AppendQuote(dst, key.Value); err != nil {
			return nil, fmt.Errorf("is not valid UTF-8: line %d", key.Line)
		}
		dst = append(dst, ':')
		if dst, err = appendYAML(dst, n.Content[i+1], depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendScalar(dst []byte, n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!null":
		return append(dst, "null"...), nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, fmt.Errorf("has a boolean that cannot be read: line %d", n.Line)
		}
		return strconv.AppendBool(dst, b), nil
	case "!!int", "!!float":
		return appendNumber(dst, n)
	default: // strings, and YAML's dates and binary data, which are strings in JSON
		out, err := jsontext.AppendQuote(dst, n.Value)
		if err != nil {
			return nil, fmt.Errorf("is not valid UTF-8: line %d", n.Line)
		}
		return out, nil
	}
}

// leadingZero matches numbers that YAML 1.1 reads as octal, but people read as decimal.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

// appendNumber appends a number. It keeps the text of a number that is also valid JSON.
func appendNumber(dst []byte, n *yaml.Node) ([]byte, error) {
	if v := jsontext.Value(n.Value); v.IsValid() && v.Kind() == jsontext.KindNumber {
		return append(dst, n.Value...), nil
	}
	if leadingZero.MatchString(n.Value) {
		return nil, fmt.Errorf("has a number that begins with zero: line %d; if it is a text, put it in quotes", n.Line)
	}
	var number any
	if err := n.Decode(&number); err == nil {
		switch number := number.(type) {
		case int:
			return strconv.AppendInt(dst, int64(number), 10), nil
		case uint64:
			return strconv.AppendUint(dst, number, 10), nil
		case float64:
			if text := strconv.FormatFloat(number, 'g', -1, 64); jsontext.Value(text).IsValid() {
				return append(dst, text...), nil
			}
		}
	}
	return nil, fmt.Errorf("has a number that JSON cannot represent: line %d", n.Line)
}
