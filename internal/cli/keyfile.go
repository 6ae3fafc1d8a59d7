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

// keyRemedy says how to make a key.
const keyRemedy = `make a key with "openssl rand -base64 32", in a file that only this process's user may read`

// readKey reads the key from the file of a flag. It returns nil if path is empty. open reports
// whether others may read the file. Its errors contain nothing from the file.
func readKey(flag, path string) (key []byte, open bool, err error) {
	if path == "" {
		return nil, false, nil
	}
	text, mode, err := readKeyFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w; %s", flag, err, keyRemedy)
	}
	key, err = base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %s does not hold base64; %s", flag, path, keyRemedy)
	}
	if len(key) != pluggable.StateKeySize {
		return nil, false, fmt.Errorf("%s: the key in %s has %d bytes, but must have %d; %s",
			flag, path, len(key), pluggable.StateKeySize, keyRemedy)
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
