package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks limits the symbolic links that are followed on one path. Linux has the same limit.
const maxLinks = 40

// walk follows path from the root of the file system and checks every folder on it. It returns
// the path without symbolic links, and the folder's info. If perm is not zero, it creates
// missing folders.
func walk(path string, perm fs.FileMode, last rules) (string, fs.FileInfo, error) {
	todo, err := components(path)
	if err != nil {
		return "", nil, err
	}
	at := string(filepath.Separator)
	info, err := os.Lstat(at)
	for links := 0; err == nil && len(todo) > 0; {
		if err = last.above().check(at, info); err != nil {
			break
		}
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			at = filepath.Dir(at)
			info, err = os.Lstat(at)
			continue
		}
		next := filepath.Join(at, name)
		if info, err = lstatOrMake(next, perm); err != nil {
			break
		}
		if info.Mode().Type() != fs.ModeSymlink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			err = &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
			break
		}
		var target string
		if target, err = follow(next, info, len(todo) == 0, last); err == nil {
			todo = append(split(target), todo...)
			if filepath.IsAbs(target) {
				at = string(filepath.Separator)
			}
			info, err = os.Lstat(at)
		}
	}
	if err == nil {
		err = checkFolder(at, info, last)
	}
	return at, info, err
}

// components returns the names in an absolute or relative path, in order.
func components(path string) ([]string, error) {
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	if !filepath.IsAbs(path) {
		folder, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		path = folder + string(filepath.Separator) + path
	}
	return split(path), nil
}

func split(path string) []string {
	var names []string
	for name := range strings.SplitSeq(path, string(filepath.Separator)) {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}

// lstatOrMake returns the info of a path. It creates a missing folder, unless perm is zero.
func lstatOrMake(path string, perm fs.FileMode) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if perm == 0 || !errors.Is(err, fs.ErrNotExist) {
		return info, err
	}
	if err := os.Mkdir(path, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.Lstat(path) // another process may have made it
}

// follow returns the target of a symbolic link. No other user may own the link, because its
// owner can replace it.
func follow(path string, info fs.FileInfo, last bool, r rules) (string, error) {
	if last {
		return "", errSymlink(path, info)
	}
	if err := r.above().checkOwner(path, info); err != nil {
		return "", err
	}
	return os.Readlink(path)
}

func errSymlink(path string, info fs.FileInfo) error {
	return newRefusal(path, info, "is a symbolic link, which is not followed", "use the path that it points to, or remove it")
}

// checkFolder checks that the path is a folder that follows the rules.
func checkFolder(path string, info fs.FileInfo, r rules) error {
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		return errSymlink(path, info)
	case !info.IsDir():
		return newRefusal(path, info, "is not a folder", "remove it, or use another folder")
	default:
		return r.check(path, info)
	}
}

// checkFile checks that the path is a regular file that follows the rules.
func checkFile(path string, info fs.FileInfo, r rules) error {
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		return errSymlink(path, info)
	case !info.Mode().IsRegular():
		return newRefusal(path, info, "is not a regular file", "remove it, or use another file")
	default:
		return r.check(path, info)
	}
}

// errReplaced returns the error for a path that named something else when it was checked.
func errReplaced(path string) error {
	return fmt.Errorf("%s was replaced after the check: find out which other program writes to it", path)
}
