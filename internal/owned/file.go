package owned

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenFile opens a regular file of the folder like [os.Root.OpenFile], and checks it. The
// error is a [*Refusal] if the file belongs to another user, if others may write to it, or if
// it is a symbolic link.
func (d *Dir) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if flag&os.O_CREATE != 0 {
		f, err := d.Root.OpenFile(name, flag|os.O_EXCL, perm) // O_EXCL does not follow links
		if err == nil || flag&os.O_EXCL != 0 || !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	info, err := d.check(name)
	if err != nil {
		return nil, err
	}
	f, err := d.Root.OpenFile(name, flag&^os.O_CREATE, 0)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = errReplaced(filepath.Join(d.path, name))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// CheckFile checks a file like [Dir.OpenFile], without opening it. A missing file is not an
// error, because nobody else can create one in the folder.
func (d *Dir) CheckFile(name string) error {
	_, err := d.check(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (d *Dir) check(name string) (fs.FileInfo, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return nil, err
	}
	return info, checkFile(filepath.Join(d.path, name), info, rulesOf(Options{}))
}

// File is a regular file that a library opens by its path.
type File struct {
	dir  *Dir
	name string
	info fs.FileInfo
}

// File checks a file of the folder that a library will open by path. If the file is missing,
// File creates an empty one with the permission bits perm, before the umask applies. The
// library must open the file's Path, and then Verify must succeed. The folder must stay open
// until then.
func (d *Dir) File(name string, perm fs.FileMode) (*File, error) {
	f, err := d.Root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := d.check(name)
	if err != nil {
		return nil, err
	}
	return &File{d, name, info}, nil
}

// Path returns the file's absolute path, without symbolic links.
func (f *File) Path() string { return filepath.Join(f.dir.path, f.name) }

// Verify returns an error if the path no longer names the file that was checked. In that case
// the library may have opened a different file.
func (f *File) Verify() error {
	if err := f.dir.InPlace(); err != nil {
		return err
	}
	info, err := f.dir.check(f.name)
	if err == nil && !os.SameFile(info, f.info) {
		err = errReplaced(f.Path())
	}
	return err
}
