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

// StateFolder returns the default folder where instances are remembered (DESIGN.md, section
// 9).
func StateFolder(name string) string {
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(runtime) {
		runtime = "/run"
	}
	return filepath.Join(runtime, name)
}

// stateVersion is the version of the format of a record.
const stateVersion = 2

// record is the remembered data of one instance. Its properties may hold secrets.
type record struct {
	Version    int               `json:"version"`
	Kind       string            `json:"kind"`
	Component  string            `json:"component"`
	Boot       string            `json:"boot"` // the boot in which the ids below identify a process
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

// single reports whether the record belongs to the one daprd of a user.
func (r record) single() bool { return r.PID == 0 && r.PIDFD == 0 }

// ended reports whether the record belongs to a process that has ended. A record from before
// the last boot counts as ended. For the one daprd of a user it returns false, because its
// end is not known.
func (r record) ended() bool {
	p := r.key().peer
	return p.pid != 0 && p.ended(noPidfd) || (p.pid != 0 || p.pidfd != 0) && r.Boot != bootID()
}

// stateFolder holds one file for each instance of one socket. Processes that serve other
// sockets have their own folders next to it.
type stateFolder struct {
	path     string
	onDisk   bool
	seal     *sealer      // nil: records are not encrypted
	otherKey atomic.Int32 // how many files were found with errOtherKey

	mu   sync.Mutex
	root *owned.Dir // the checked folder, even if its name now leads elsewhere
}

// openState creates the folder for the instances of a socket. It refuses a folder that is not
// in memory, unless onDisk is true. It also refuses a folder that another user could have put
// there. Its files are encrypted unless seal is nil.
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

// open creates the folder, checks it, and keeps it open.
func (s *stateFolder) open() error {
	parent := filepath.Dir(s.path)
	if !s.onDisk {
		if err := checkInMemory(parent); err != nil {
			return err
		}
	}
	// Others may write to the parent. Only our own folder in it must be safe.
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

// subfolder opens a subfolder, and creates missing folders.
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

// close closes the folder.
func (s *stateFolder) close() {
	if s.root != nil {
		_ = s.root.Close()
	}
}

// fileName returns the name of an instance's file. The Component's name is hashed, because it
// may contain any character.
func fileName(kind string, key instanceKey) string {
	hash := sha256.Sum256([]byte(key.name))
	return fmt.Sprintf("%s-%s-%s.json", kind, key.peer.id(), hex.EncodeToString(hash[:8]))
}

// save replaces an instance's file atomically: if the process is killed, the old file or the
// new file is there. save creates the folder again if it has disappeared.
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

// write replaces a record. The record is on the disk before it has its name.
func (s *stateFolder) write(name string, text []byte) error {
	return replaceFile(s.root, name, text, os.O_TRUNC, true)
}

// remove removes the record of an instance, if there is one.
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

// load returns the records that can be read. It removes the records of processes that have
// ended, the records of another key, and the unfinished files of a process that was killed.
// It leaves other files that are not valid records as they are. For each of them, and for
// each error, it calls told with the path and the reason.
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

// read reads one file. Its errors contain no text from the file.
func (s *stateFolder) read(name string) (record, error) {
	text, err := readSealed(s.root, s.seal, name, maxState, "it is larger than the limit for all records")
	if err != nil {
		return record{}, err
	}
	var r record
	if json.Unmarshal(text, &r) != nil {
		return record{}, errors.New("it is incomplete or damaged")
	}
	return r, nil
}

// check returns an error unless this version writes such a record under this name.
func (r record) check(name string) error {
	switch {
	case r.Version != stateVersion:
		return fmt.Errorf("its version is %d, but this program reads version %d: restart its daprd", r.Version, stateVersion)
	case name != fileName(r.Kind, r.key()):
		return errors.New("its content does not match its name")
	default:
		return nil
	}
}
