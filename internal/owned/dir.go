package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Options are the options for opening a folder.
type Options struct {
	// Perm is the permission bits for missing folders that are created, before the umask
	// applies. If zero, no folder is created, and a missing one is fs.ErrNotExist.
	Perm fs.FileMode
	// Shared accepts a folder that others may write to. Its owner and the folders above it are
	// still checked. Nothing in such a folder is safe except a folder that [Dir.Private]
	// opens. If false, such a folder is refused.
	Shared bool
}

// Dir is an open folder that has been checked. Its methods, and those of [os.Root], use its
// descriptor, so they always work on this folder even if its path later names another one.
type Dir struct {
	*os.Root

	path string // without symbolic links
	info fs.FileInfo
	fd   *os.File // for system calls that os.Root has no method for
}

// Open opens and checks a folder by its absolute or relative path. If the folder is not safe,
// the error is a [*Refusal].
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

// newDir makes a Dir from root, and takes ownership of it, if root is the folder that was
// checked.
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

// Private opens a folder inside this one, which may be shared, and creates it if it is
// missing. The folder must belong to this process's user; root's ownership is not enough.
// Others have no access: permissions that they had are removed. Symbolic links are not
// followed.
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

// InPlace returns an error if the folder's path no longer names this folder.
func (d *Dir) InPlace() error {
	info, err := os.Lstat(d.path)
	if err == nil && !os.SameFile(info, d.info) {
		err = errReplaced(d.path)
	}
	return err
}

// Move moves a file of this folder to another folder.
func (d *Dir) Move(name string, to *Dir, newName string) error {
	err := unix.Renameat(int(d.fd.Fd()), name, int(to.fd.Fd()), newName)
	if err != nil {
		return &os.LinkError{Op: "renameat", Old: filepath.Join(d.path, name), New: filepath.Join(to.path, newName), Err: err}
	}
	return nil
}

// ByDescriptor returns a path to a file in the folder, for calls that need a path, such as
// bind(2). On Linux the path goes through the folder's descriptor, and is valid while the
// folder is open. On other systems, and if /proc is missing, it is the folder's path. In a
// shared folder that path may later name a different folder, so the caller must check by
// descriptor that the file it made is here.
func (d *Dir) ByDescriptor(name string) string {
	through := fmt.Sprintf("/proc/self/fd/%d", d.fd.Fd())
	if info, err := os.Stat(through); err != nil || !os.SameFile(info, d.info) {
		through = d.path
	}
	return filepath.Join(through, name)
}
