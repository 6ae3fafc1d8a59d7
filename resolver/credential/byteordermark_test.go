package credential_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

func TestByteOrderMarkIsRemoved(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"{":                  "{",
		"{}":                 "{}",
		"\ufeff":             "",
		"\ufeff{}":           "{}",
		"\ufeff\ufeff{}":     "\ufeff{}",
		"{\"a\":\"\ufeff\"}": "{\"a\":\"\ufeff\"}",
		"{\"\x00":            "{\"\x00",
		"\xff":               "\xff",
	} {
		got, err := credential.Unmarked([]byte(text))
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, string(got))
	}
}

func TestUTF16IsNamed(t *testing.T) {
	for name, text := range map[string]string{
		"little endian, marked": "\xff\xfe{\x00}\x00",
		"big endian, marked":    "\xfe\xff\x00{\x00}",
		"little endian":         "{\x00}\x00",
		"big endian":            "\x00{\x00}",
		"one zero byte":         "\x00",
	} {
		_, err := credential.Unmarked([]byte(text))
		require.EqualError(t, err, "UTF-16: save it as UTF-8", name)
	}
}
