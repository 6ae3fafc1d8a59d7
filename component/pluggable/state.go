package pluggable

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

// StateFolder returns where instances are remembered unless another folder is
// named (DESIGN.md, section 9).
func StateFolder(name string) string {
	return filepath.Join(cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), "/run"), name)
}

// stateVersion is the version of a record's form; a file of another one is left alone.
const stateVersion = 1

// record is what is remembered of one instance. Its properties may hold secrets.
type record struct {
	Version    int               `json:"version"`
	Kind       string            `json:"kind"`
	Component  string            `json:"component"`
	PID        int32             `json:"pid"`
	Start      uint64            `json:"start"`
	Properties map[string]string `json:"properties"`
}

func (r record) key() instanceKey {
	return instanceKey{process{r.PID, r.Start}, r.Component}
}

// stateFolder holds one file an instance, of one socket: processes that serve
// other sockets have folders of their own beside it.
type stateFolder struct{ path string }

// openState makes the folder for the instances of a socket and checks that nobody
// else can read it, and that it is in memory unless onDisk allows a disk.
func openState(folder, socket string, onDisk bool) (*stateFolder, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if !onDisk {
		if err := checkInMemory(folder); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if socket, err = filepath.Abs(socket); err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(socket))
	s := &stateFolder{filepath.Join(folder, hex.EncodeToString(hash[:8]))}
	if err := os.Mkdir(s.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return s, s.checkOwner()
}

// checkInMemory refuses a folder that is, or would be made, on a disk.
func checkInMemory(folder string) error {
	existing := folder
	for {
		inMemory, err := isInMemory(existing)
		switch {
		case errors.Is(err, fs.ErrNotExist) && existing != filepath.Dir(existing):
			existing = filepath.Dir(existing)
		case err != nil:
			return fmt.Errorf("asking for the file system of %s: %w", existing, err)
		case !inMemory:
			return fmt.Errorf("%s is not on a file system in memory (tmpfs), and metadata may hold secrets", folder)
		default:
			return nil
		}
	}
}

// checkOwner refuses a folder that another user could have put there.
func (s *stateFolder) checkOwner() error {
	info, err := os.Lstat(s.path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of this process's user: remove it", s.path)
	}
	if info.Mode().Perm() != 0o700 {
		return os.Chmod(s.path, 0o700)
	}
	return nil
}

// file names an instance's file: a name of a Component may hold anything.
func (s *stateFolder) file(kind string, key instanceKey) string {
	hash := sha256.Sum256([]byte(key.name))
	return filepath.Join(s.path, fmt.Sprintf("%s-%d-%d-%s.json", kind, key.peer.pid, key.peer.start, hex.EncodeToString(hash[:8])))
}

// save replaces an instance's file at once: a process that is killed leaves the
// old one or the new one.
func (s *stateFolder) save(kind string, key instanceKey, properties map[string]string) error {
	text, err := json.Marshal(record{stateVersion, kind, key.name, key.peer.pid, key.peer.start, properties})
	if err != nil {
		return err
	}
	return renameio.WriteFile(s.file(kind, key), text, 0o600, renameio.WithStaticPermissions(0o600), renameio.WithTempDir(s.path))
}

// remove forgets an instance.
func (s *stateFolder) remove(kind string, key instanceKey) error {
	err := os.Remove(s.file(kind, key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// load returns the records that can be read, and removes what a process that was
// killed left half-written. told is given, for each file that is no record, its
// name and what to say of it; it is left as it is.
func (s *stateFolder) load(told func(file string, why error)) []record {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		told(s.path, err)
		return nil
	}
	var records []record
	for _, entry := range entries {
		path := filepath.Join(s.path, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			_ = os.Remove(path) // a file that was never renamed
			continue
		}
		r, err := s.read(path)
		if err != nil {
			told(path, err)
			continue
		}
		records = append(records, r)
	}
	return records
}

// read reads one record. Its error holds nothing of the file.
func (s *stateFolder) read(path string) (record, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return record{}, err
	}
	if !info.Mode().IsRegular() {
		return record{}, errors.New("it is not a file")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return record{}, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, errors.New("it is not a whole record")
	}
	switch {
	case r.Version != stateVersion:
		return record{}, fmt.Errorf("it is of version %d, and this is version %d", r.Version, stateVersion)
	case path != s.file(r.Kind, r.key()):
		return record{}, errors.New("it is not the record that its name says")
	}
	return r, nil
}
