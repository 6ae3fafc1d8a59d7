package credential

import (
	"bytes"
	"errors"
)

var errUTF16 = errors.New("UTF-16: save it as UTF-8")

// Unmarked returns text without the byte order mark that some editors write before UTF-8. It
// fails for UTF-16: text that begins with a UTF-16 mark, or has a zero byte among its first
// two, since JSON and YAML begin with ASCII. The text of the error fits after "is".
func Unmarked(text []byte) ([]byte, error) {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return nil, errUTF16
		}
	}
	if bytes.IndexByte(text[:min(2, len(text))], 0) >= 0 {
		return nil, errUTF16
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}
