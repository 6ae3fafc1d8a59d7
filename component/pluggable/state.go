package pluggable

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"credential-resolver/internal/owned"
)

// StateFolder returns where instances are remembered unless another folder is
// named (DESIGN.md, section 9).
func StateFolder(name string) string {
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(runtime) {
		runtime = "/run"
	}
	return filepath.Join(runtime, name)
}

// stateVersion is the version of a record's form.
const stateVersion = 2

// record is what is remembered of one instance. Its properties may hold secrets.
type record struct {
	Version    int               `json:"version"`
	Kind       string            `json:"kind"`
	Component  string            `json:"component"`
	Boot       string            `json:"boot"` // what the rest identifies a process in
	UID        uint32            `json:"uid"`
	GID        uint32            `json:"gid"`
	PID        int32             `json:"pid,omitempty"`
	Start      uint64            `json:"start,omitempty"`
	PIDFD      uint64            `json:"pidfd,omitempty"`
	Properties map[string]string `json:"properties"`
}

func newRecord(kind string, key instanceKey, properties map[string]string) record {
	p := key.peer
	return record{stateVersion, kind, key.name, bootID(), p.uid, p.gid, p.pid, p.start, p.pidfd, properties}
}

func (r record) key() instanceKey {
	return instanceKey{process{uid: r.UID, gid: r.GID, pid: r.PID, start: r.Start, pidfd: r.PIDFD}, r.Component}
}

// single tells whether the record is of the one daprd of a user.
func (r record) single() bool { return r.PID == 0 && r.PIDFD == 0 }

// ended tells whether the record is of a process that has ended: at the last boot, if
// not before. Of the one daprd of a user that is not known.
func (r record) ended() bool {
	p := r.key().peer
	return p.pid != 0 && p.ended(noPidfd) || (p.pid != 0 || p.pidfd != 0) && r.Boot != bootID()
}

// stateFolder holds one file an instance, of one socket: processes that serve
// other sockets have folders of their own beside it.
type stateFolder struct {
	path     string
	onDisk   bool
	seal     *sealer      // nil: records are written as they are
	otherKey atomic.Int32 // how many files have been found that another key encrypted

	mu   sync.Mutex
	root *owned.Dir // the folder that was checked, whatever comes to have its name
}

// openState makes the folder for the instances of a socket. It refuses one that is
// not in memory, unless onDisk allows a disk, and one that another user could have
// put there. Its files are encrypted if there is a sealer.
func openState(folder, socket string, onDisk bool, seal *sealer) (*stateFolder, error) {
	folder, err := filepath.Abs(folder)
	if err == nil {
		socket, err = filepath.Abs(socket)
	}
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(socket))
	s := &stateFolder{path: filepath.Join(folder, hex.EncodeToString(hash[:8])), onDisk: onDisk, seal: seal}
	return s, s.open()
}

// open makes the folder, checks it, and holds it from then on.
func (s *stateFolder) open() error {
	parent := filepath.Dir(s.path)
	if !s.onDisk {
		if err := checkInMemory(parent); err != nil {
			return err
		}
	}
	// Others may write to the parent: what counts is our own folder in it.
	folder, err := owned.Open(parent, owned.Options{Perm: 0o700, Shared: true})
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	root, err := folder.Private(filepath.Base(s.path))
	if err != nil {
		return err
	}
	s.close()
	s.root = root
	return nil
}

// subfolder opens a folder in it, and makes what is missing.
func (s *stateFolder) subfolder(name string) (*owned.Dir, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder, err := s.root.Private(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.open(); err == nil {
			folder, err = s.root.Private(name)
		}
	}
	return folder, err
}

// close lets the folder go.
func (s *stateFolder) close() {
	if s.root != nil {
		_ = s.root.Close()
	}
}

// fileName names an instance's file: a name of a Component may hold anything.
func fileName(kind string, key instanceKey) string {
	hash := sha256.Sum256([]byte(key.name))
	return fmt.Sprintf("%s-%s-%s.json", kind, key.peer.id(), hex.EncodeToString(hash[:8]))
}

// save replaces an instance's file at once: a process that is killed leaves the
// old one or the new one. A folder that has gone is made again.
func (s *stateFolder) save(kind string, key instanceKey, properties map[string]string) error {
	text, err := json.Marshal(newRecord(kind, key, properties))
	if err != nil {
		return err
	}
	name := fileName(kind, key)
	text = s.seal.seal(name, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.makeRoom(name, key.peer, len(text)); err != nil {
		return err
	}
	err = s.write(name, text)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.open(); err == nil {
			err = s.write(name, text)
		}
	}
	return err
}

// write puts a file beside and renames it. It is on the disk, if there is one, before
// it has its name.
func (s *stateFolder) write(name string, text []byte) error {
	beside := unfinished + name
	f, err := s.root.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = s.root.Rename(beside, name)
	}
	if err != nil {
		_ = s.root.Remove(beside)
	}
	return err
}

// unfinished begins the name of a file that is being written.
const unfinished = "."

// remove forgets an instance.
func (s *stateFolder) remove(kind string, key instanceKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeFile(fileName(kind, key))
}

func (s *stateFolder) removeFile(name string) error {
	err := s.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// load returns the records that can be read, and removes those of processes that
// have ended, those of another key, and what a process that was killed left half-written. told is given,
// for each file that is no record, its path and what to say of it; it is left as
// it is.
func (s *stateFolder) load(told func(path string, why error)) []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		told(s.path, err)
		return nil
	}
	var records []record
	for _, entry := range entries {
		name := entry.Name()
		if name == answersFolder {
			continue
		}
		r, err := s.read(name)
		switch {
		case errors.Is(err, errOtherKey):
			s.otherKey.Add(1)
			err = s.removeFile(name)
		case strings.HasPrefix(name, unfinished), err == nil && r.Version == stateVersion && r.ended():
			err = s.removeFile(name)
		case err == nil:
			err = r.check(name)
			if err == nil {
				records = append(records, r)
			}
		}
		if err != nil {
			told(filepath.Join(s.path, name), err)
		}
	}
	return records
}

// read reads one file. Its error holds nothing of it.
func (s *stateFolder) read(name string) (record, error) {
	info, err := s.root.Lstat(name)
	if err != nil {
		return record{}, err
	}
	if !info.Mode().IsRegular() {
		return record{}, errors.New("it is not a file")
	}
	if info.Size() > maxState {
		return record{}, errors.New("it is larger than all records may be")
	}
	text, err := s.root.ReadFile(name)
	if err == nil {
		text, err = s.seal.open(name, text)
	}
	if err != nil {
		return record{}, err
	}
	var r record
	if json.Unmarshal(text, &r) != nil {
		return record{}, errors.New("it is not a whole record")
	}
	return r, nil
}

// check refuses a record that this version did not write under this name.
func (r record) check(name string) error {
	switch {
	case r.Version != stateVersion:
		return fmt.Errorf("it is of version %d, and this is version %d", r.Version, stateVersion)
	case name != fileName(r.Kind, r.key()):
		return errors.New("it is not the record that its name says")
	default:
		return nil
	}
}
