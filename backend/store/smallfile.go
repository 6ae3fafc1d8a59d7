package store

import (
	"io"
	"io/fs"
	"os"
	"syscall"

	"credential-resolver/resolver/credential"
)

// The most that files which others write may have, in bytes.
const (
	MaxTokenFile       = 64 << 10
	MaxCertificateFile = 1 << 20
	MaxKubeconfig      = 4 << 20
	MaxSecretsFile     = 16 << 20
	MaxConfigFile      = 4 << 20
)

// Why a file is not read.
const (
	ErrNotRegular   = credential.Remedy("it is not a regular file")
	ErrFileTooLarge = credential.Remedy("it is larger than such a file can be")
)

// ReadSmall reads a file that is regular and has at most so many bytes. It waits for
// nobody to write to a pipe, and reads no device.
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
		err = ErrFileTooLarge // it has grown
	}
	return text, err
}

// CheckSmall tells whether ReadSmall reads a file.
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
