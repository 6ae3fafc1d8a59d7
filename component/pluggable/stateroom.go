package pluggable

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// makeRoom checks that a new file of size bytes fits: all files within maxState, and the
// files of its peer within maxPeerState. To stay within maxState, it removes the oldest
// records of processes in other PID namespaces, whose end may not have been seen. It returns
// an error if the file still does not fit.
func (s *stateFolder) makeRoom(name string, peer process, size int) error {
	files, err := s.files()
	if err != nil {
		return nil // the write will report the problem
	}
	total, ofPeer := int64(size), int64(size)
	for _, f := range files {
		if f.Name() == name {
			continue
		}
		total += f.Size()
		if strings.Contains(f.Name(), "-"+peer.id()+"-") {
			ofPeer += f.Size()
		}
	}
	if ofPeer > maxPeerState {
		return fmt.Errorf("the records of its daprd would have %d bytes, but the limit is %d", ofPeer, maxPeerState)
	}
	for _, f := range files {
		if total <= maxState {
			break
		}
		if r, err := s.read(f.Name()); err != nil || r.PIDFD == 0 || f.Name() == name {
			continue
		}
		if s.removeFile(f.Name()) == nil {
			total -= f.Size()
		}
	}
	if total > maxState {
		return fmt.Errorf("the records of all instances would have %d bytes, but the limit is %d", total, maxState)
	}
	return nil
}

// files returns the files in the folder, sorted from oldest to newest.
func (s *stateFolder) files() ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	return files, nil
}
