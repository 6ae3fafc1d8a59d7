package cli

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"

	"credential-resolver/component/pluggable"
)

// stateKeyRemedy says how to make a key.
const stateKeyRemedy = `make a key with "openssl rand -base64 32", in a file that only this process's user may read`

// stateKey reads the key from the file of --state-key-file. It returns nil if path is empty.
// open reports whether others may read the file. Its errors contain nothing from the file.
func stateKey(path string) (key []byte, open bool, err error) {
	if path == "" {
		return nil, false, nil
	}
	text, mode, err := readKeyFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("--state-key-file: %w; %s", err, stateKeyRemedy)
	}
	key, err = base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, false, fmt.Errorf("--state-key-file: %s does not hold base64; %s", path, stateKeyRemedy)
	}
	if len(key) != pluggable.StateKeySize {
		return nil, false, fmt.Errorf("--state-key-file: the key in %s has %d bytes, but must have %d; %s",
			path, len(key), pluggable.StateKeySize, stateKeyRemedy)
	}
	return key, mode.Perm()&0o007 != 0, nil
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
