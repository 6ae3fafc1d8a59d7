package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"credential-resolver/internal/owned"
)

// awaitNew is how long a renamed file is still written to while no new file is there. logrotate
// renames the file first and then creates the new one. If we created it in between, logrotate
// would move ours out of the way.
const awaitNew = 2 * time.Second

// File is an audit log on disk. It notices that another program, such as logrotate, renamed it.
// It is not safe for concurrent use.
type File struct {
	dir     *owned.Dir
	name    string
	f       *os.File
	info    fs.FileInfo
	missing time.Time // since when the name is missing; zero: it is not
}

// OpenFile opens an audit log to append to. It creates it, and its folder, if they are missing.
// Nobody else may be able to change them (DESIGN.md, section 9). Only one process may have the
// file open.
func OpenFile(path string) (*File, error) {
	dir, err := owned.Open(filepath.Dir(path), owned.Options{Perm: 0o700})
	if err != nil {
		return nil, err
	}
	l := &File{dir: dir, name: filepath.Base(path)}
	if l.f, l.info, err = l.open(); err != nil {
		_ = dir.Close()
		return nil, err
	}
	return l, nil
}

// open opens the file that the name stands for.
func (l *File) open() (*os.File, fs.FileInfo, error) {
	f, err := l.dir.OpenFile(l.name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", l.Path())
	}
	if err == nil && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		err = fmt.Errorf("another process writes to %s: give each process a file of its own", l.Path())
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Path returns the file's absolute path.
func (l *File) Path() string { return filepath.Join(l.dir.Path(), l.name) }

// Write implements io.Writer.
func (l *File) Write(p []byte) (int, error) { return l.f.Write(p) }

// Sync writes the lines to the disk.
func (l *File) Sync() error { return l.f.Sync() }

// Close closes the file.
func (l *File) Close() error { return errors.Join(l.f.Close(), l.dir.Close()) }

// renamed reports whether the file was renamed or removed, so that a new file is due.
func (l *File) renamed(now time.Time) bool {
	info, err := l.dir.Lstat(l.name)
	switch {
	case err == nil:
		l.missing = time.Time{}
		return !os.SameFile(info, l.info)
	case !errors.Is(err, fs.ErrNotExist):
		return false
	case l.missing.IsZero():
		l.missing = now
	}
	return now.Sub(l.missing) >= awaitNew
}

// reopen leaves the renamed file, and opens the one that has its name now. If done is false, the
// renamed file stays open.
func (l *File) reopen() (done bool, err error) {
	f, info, err := l.open()
	if err != nil {
		return false, err
	}
	err = errors.Join(l.f.Sync(), l.f.Close())
	l.f, l.info, l.missing = f, info, time.Time{}
	return true, err
}

// maxTail is more than the length of the lines at the end of a file that a killed process may
// have written in part, in bytes.
const maxTail = 1 << 20

// readTail returns the end of the file.
func (l *File) readTail() ([]byte, error) {
	info, err := l.f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-maxTail)
	return io.ReadAll(io.NewSectionReader(l.f, from, info.Size()-from))
}
