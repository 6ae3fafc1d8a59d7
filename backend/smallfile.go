package backend

import (
	"io"
	"io/fs"
	"os"
	"syscall"

	"credential-resolver/resolver/credential"
)

// The most that files which others write may have, in bytes.
const (
	maxTokenFile       = 64 << 10
	maxCertificateFile = 1 << 20
	maxKubeconfig      = 4 << 20
	maxSecretsFile     = 16 << 20
	maxConfigFile      = 4 << 20
)

const (
	errNotRegular   = credential.Remedy("it is not a regular file")
	errFileTooLarge = credential.Remedy("it is larger than such a file can be")
)

// readSmall reads a file that is regular and has at most so many bytes. It waits for
// nobody to write to a pipe, and reads no device.
func readSmall(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkSmall(path, info, most); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = errFileTooLarge // it has grown
	}
	return text, err
}

// checkSmall tells whether readSmall reads a file.
func checkSmall(path string, info fs.FileInfo, most int64) error {
	switch {
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return errNotRegular
	case info.Size() > most:
		return errFileTooLarge
	}
	return nil
}
