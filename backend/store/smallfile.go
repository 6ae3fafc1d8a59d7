package store

import (
	"io"
	"io/fs"
	"os"
	"syscall"

	"credential-resolver/resolver/credential"
)

// These limit the size, in bytes, of files that others write.
const (
	MaxTokenFile       = 64 << 10
	MaxCertificateFile = 1 << 20
	MaxKubeconfig      = 4 << 20
	MaxSecretsFile     = 16 << 20
	MaxConfigFile      = 4 << 20
)

// These errors say why a file is not read.
const (
	ErrNotRegular   = credential.Remedy("it is not a regular file")
	ErrFileTooLarge = credential.Remedy("it is too large for such a file")
)

// ReadSmall reads a regular file of at most so many bytes. It does not wait for a writer of a
// pipe, and reads no device.
func ReadSmall(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := CheckSmall(path, info, most); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = ErrFileTooLarge // it has grown meanwhile
	}
	return text, err
}

// CheckSmall returns the error with which ReadSmall would refuse a file, or nil.
func CheckSmall(path string, info fs.FileInfo, most int64) error {
	switch {
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return ErrNotRegular
	case info.Size() > most:
		return ErrFileTooLarge
	}
	return nil
}
