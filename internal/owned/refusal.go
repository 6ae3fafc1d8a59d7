package owned

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Refusal says why a folder or file is not safe to use, and what to do about it.
type Refusal struct {
	// Path is the refused folder or file: the requested one, or one above it.
	Path string
	// Owner is the user id of its owner.
	Owner int
	// Mode is its type and permission bits.
	Mode fs.FileMode
	// Shared reports whether the folder would be accepted with [Options].Shared.
	Shared bool

	problem, remedy string
}

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s (owner uid %d, mode %04o) %s: %s", r.Path, r.Owner, modeBits(r.Mode), r.problem, r.remedy)
}

// modeBits returns a mode's bits as chmod(1) uses them.
func modeBits(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// writable is the permission bits that allow other users to change a file.
const writable fs.FileMode = 0o022

// rules are the rules that a folder or file must follow.
type rules struct {
	uid    int  // the user of this process
	sticky bool // accept a folder that others may write to if it is sticky
	shared bool // accept a folder that others may write to
	alone  bool // refuse root, unless it is uid
}

func rulesOf(o Options) rules { return rules{uid: os.Geteuid(), shared: o.Shared} }

// above returns the rules for the folders above.
func (r rules) above() rules { return rules{uid: r.uid, sticky: true} }

// check refuses a folder or file that another user owns or may write to.
func (r rules) check(path string, info fs.FileInfo) error {
	if err := r.checkOwner(path, info); err != nil {
		return err
	}
	mode := info.Mode()
	if mode&writable == 0 || r.shared || r.sticky && mode&fs.ModeSticky != 0 {
		return nil
	}
	remedy := fmt.Sprintf("run \"chmod go-w %s\", or use another %s", path, noun(mode))
	if mode&fs.ModeSticky != 0 {
		remedy = "use a folder inside it that belongs to this process's user"
	}
	refusal := newRefusal(path, info, "can be written to by users other than its owner", remedy)
	refusal.Shared = mode.IsDir() && !r.sticky
	return refusal
}

// checkOwner refuses what belongs to another user.
func (r rules) checkOwner(path string, info fs.FileInfo) error {
	owner := ownerOf(info)
	if owner == r.uid || owner == 0 && !r.alone {
		return nil
	}
	problem := fmt.Sprintf("does not belong to this process's user (uid %d)", r.uid)
	if r.uid != 0 && !r.alone {
		problem += " or to root"
	}
	return newRefusal(path, info, problem, fmt.Sprintf(
		"use another %s, or run this process as its owner; if you trust its content, run \"chown -h %d %s\"", noun(info.Mode()), r.uid, path))
}

// noun returns "folder" or "file" for a mode.
func noun(mode fs.FileMode) string {
	if mode.IsDir() {
		return "folder"
	}
	return "file"
}

func newRefusal(path string, info fs.FileInfo, problem, remedy string) *Refusal {
	return &Refusal{Path: path, Owner: ownerOf(info), Mode: info.Mode(), problem: problem, remedy: remedy}
}

// ownerOf returns the user ID of a file's owner, or -1, which no user has, if the file system
// has no owners.
func ownerOf(info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	return int(stat.Uid)
}
