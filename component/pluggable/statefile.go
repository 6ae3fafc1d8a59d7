package pluggable

import (
	"errors"
	"os"
	"path/filepath"

	"credential-resolver/internal/owned"
)

// unfinished is the prefix in the name of a file that is being written.
const unfinished = "."

// besideOf returns the name of the file that is written before it is renamed to path.
func besideOf(path string) string {
	return filepath.Join(filepath.Dir(path), unfinished+filepath.Base(path))
}

// replaceFile writes to the file beside path, which flag opens, and renames it to path. A
// process that is killed leaves the old file or the new one. durable says whether the text must
// be on the disk before the file has its name.
func replaceFile(root *owned.Dir, path string, text []byte, flag int, durable bool) error {
	beside := besideOf(path)
	f, err := root.OpenFile(beside, os.O_WRONLY|os.O_CREATE|flag, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && durable {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = root.Rename(beside, path)
	}
	if err != nil {
		_ = root.Remove(beside)
	}
	return err
}

// readSealed reads a regular file and decrypts it. tooLarge is the error for a file of more than
// most bytes.
func readSealed(root *owned.Dir, seal *sealer, path string, most int64, tooLarge string) ([]byte, error) {
	info, err := root.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > most:
		return nil, errors.New(tooLarge)
	}
	text, err := root.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return seal.open(path, text)
}
