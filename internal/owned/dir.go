package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Options are what a folder is opened with.
type Options struct {
	// Perm is the permission bits of folders that are missing and made, less the
	// umask. Zero: none is made, and a missing folder is fs.ErrNotExist.
	Perm fs.FileMode
	// Shared accepts a folder that others may write to; its owner, and the folders
	// above it, are held to the rules nevertheless. Nothing in such a folder is safe
	// but a folder that [Dir.Private] opens. False: it is refused.
	Shared bool
}

// Dir is an open folder that has been checked. Its methods, and those of [os.Root],
// work by descriptor: on this folder, whatever comes to have its path.
type Dir struct {
	*os.Root

	path string // without symbolic links
	info fs.FileInfo
	fd   *os.File // for system calls that os.Root has no method for
}

// Open opens and checks a folder, by an absolute or a relative path. A folder that
// is not safe is a [*Refusal].
func Open(path string, o Options) (*Dir, error) {
	resolved, info, err := walk(path, o.Perm, rulesOf(o))
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(resolved)
	if err != nil {
		return nil, err
	}
	return newDir(root, resolved, info)
}

// newDir takes root over, if it is the folder that was checked.
func newDir(root *os.Root, path string, checked fs.FileInfo) (*Dir, error) {
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(opened, checked) {
		err = errReplaced(path)
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	fd, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &Dir{Root: root, path: path, info: opened, fd: fd}, nil
}

// Path returns the folder's absolute path, without symbolic links.
func (d *Dir) Path() string { return d.path }

// Close releases the folder.
func (d *Dir) Close() error { return errors.Join(d.fd.Close(), d.Root.Close()) }

// Private opens the folder of a name in this one, which may be shared, and makes it
// if it is missing. It belongs to this process's user, not to root in that place,
// and others have no right to it: rights that they had are taken away. A symbolic
// link is not followed.
func (d *Dir) Private(name string) (*Dir, error) {
	if err := d.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making %s: %w", filepath.Join(d.path, name), err)
	}
	path := filepath.Join(d.path, name)
	info, err := d.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(path, info, rules{uid: os.Geteuid(), alone: true, shared: true}); err != nil {
		return nil, err
	}
	root, err := d.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	private, err := newDir(root, path, info)
	if err != nil || info.Mode().Perm() == 0o700 {
		return private, err
	}
	if err := private.Chmod(".", 0o700); err != nil {
		_ = private.Close()
		return nil, err
	}
	return private, nil
}

// InPlace reports an error if the folder's path no longer leads to it.
func (d *Dir) InPlace() error {
	info, err := os.Lstat(d.path)
	if err == nil && !os.SameFile(info, d.info) {
		err = errReplaced(d.path)
	}
	return err
}

// Move renames a file of this folder, which then is in to.
func (d *Dir) Move(name string, to *Dir, newName string) error {
	err := unix.Renameat(int(d.fd.Fd()), name, int(to.fd.Fd()), newName)
	if err != nil {
		return &os.LinkError{Op: "renameat", Old: filepath.Join(d.path, name), New: filepath.Join(to.path, newName), Err: err}
	}
	return nil
}

// ByDescriptor returns a path of a file in the folder for calls that take nothing
// else, such as bind(2). On Linux it leads through the folder's descriptor, as long
// as the folder is open. Elsewhere, and where /proc is missing, it is the folder's
// path, which in a shared folder may come to lead elsewhere: the caller then looks,
// by descriptor, whether what it made is here.
func (d *Dir) ByDescriptor(name string) string {
	through := fmt.Sprintf("/proc/self/fd/%d", d.fd.Fd())
	if info, err := os.Stat(through); err != nil || !os.SameFile(info, d.info) {
		through = d.path
	}
	return filepath.Join(through, name)
}
