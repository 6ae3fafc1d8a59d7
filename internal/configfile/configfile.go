// Package configfile converts a credential config that a person wrote, in JSON or YAML, to the
// JSON that is stored.
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"credential-resolver/resolver/credential"
)

// JSON returns the config in text as JSON. JSON is kept byte for byte, without a byte order
// mark; YAML is converted. The name's extension says which one it is. If the extension is
// unknown, text that begins with "{" is JSON. The error says what is wrong and where; the
// caller puts the file's name before it. It never quotes the text.
func JSON(name string, text []byte) ([]byte, error) {
	text, err := credential.Unmarked(text)
	if err != nil {
		return nil, fmt.Errorf("is %w", err)
	}
	config := text
	if !isJSON(name, text) {
		if config, err = fromYAML(text); err != nil {
			return nil, err
		}
	}
	_, err = credential.ParseObject(config)
	var fault *credential.SyntaxError
	switch {
	case errors.As(err, &fault):
		line, column := position(config, fault.Offset)
		return nil, fmt.Errorf("is not valid JSON: line %d, column %d", line, column)
	case err != nil:
		return nil, fmt.Errorf("is %w: a config is one object", err)
	case len(config) > credential.MaxConfigSize:
		return nil, errors.New("is larger than 1 MiB as JSON, the limit for a config")
	}
	return config, nil
}

func isJSON(name string, text []byte) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return true
	case ".yaml", ".yml":
		return false
	default:
		return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
	}
}

// position returns the line and column of the byte at an offset, both counted from 1.
func position(text []byte, offset int64) (line, column int) {
	before := text[:min(int(offset), len(text))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
