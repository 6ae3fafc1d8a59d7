package cli

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/audit"
)

// keyRemedy says how to make a key.
const keyRemedy = `make a key with "openssl rand -base64 32", in a file that only this process's user may read`

// readStateKey reads the key from the file of --state-key-file. It returns nil if path is empty.
// open is as in readKey.
func readStateKey(path string) (key []byte, open bool, err error) {
	const flag = "--state-key-file"
	if path == "" {
		return nil, false, nil
	}
	key, open, err = readKey(flag, path)
	if err == nil && len(key) != pluggable.StateKeySize {
		err = fmt.Errorf("%s: the key in %s has %d bytes, but must have %d; %s", flag, path, len(key), pluggable.StateKeySize, keyRemedy)
	}
	if err != nil {
		return nil, false, err
	}
	return key, open, nil
}

// auditKeys reads the keys of the audit log from the file of a flag. open is as in readKey.
func auditKeys(flag, path string) (keys *audit.Keys, open bool, err error) {
	secret, open, err := readKey(flag, path)
	if err != nil {
		return nil, false, err
	}
	keys, err = audit.NewKeys(secret)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %s: %w; %s", flag, path, err, keyRemedy)
	}
	return keys, open, nil
}

// readKey reads a key from the file of a flag. open reports whether others may read the file. Its
// errors contain nothing from the file.
func readKey(flag, path string) (key []byte, open bool, err error) {
	text, mode, err := readKeyFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w; %s", flag, err, keyRemedy)
	}
	key, err = base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %s does not hold base64; %s", flag, path, keyRemedy)
	}
	return key, mode.Perm()&0o007 != 0, nil
}

// openKeyWarning says that others may read the file of a flag.
func openKeyWarning(flag, path string) string {
	return fmt.Sprintf("others may read %s, the file of %s: allow only its owner to read it (chmod 0400)", path, flag)
}

// maxKeyFile is larger than any file with a key, in bytes.
const maxKeyFile = 4 << 10

// readKeyFile reads a small file. The file may be a symbolic link, as in a projected volume.
func readKeyFile(path string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return text, info.Mode(), err
}
