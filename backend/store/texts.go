package store

import "encoding/json"

// Texts returns the values of a JSON object as texts. A value that is not a string is its JSON text,
// with the digits as they are. null is an empty text, as in contrib's stores. False: the text is not
// a JSON object.
func Texts(object []byte) (map[string]string, bool) {
	var values map[string]json.RawMessage
	if json.Unmarshal(object, &values) != nil || values == nil {
		return nil, false
	}
	texts := make(map[string]string, len(values))
	for name, value := range values {
		text := string(value)
		if value[0] == '"' || value[0] == 'n' {
			text = ""
			if json.Unmarshal(value, &text) != nil {
				return nil, false
			}
		}
		texts[name] = text
	}
	return texts, true
}
