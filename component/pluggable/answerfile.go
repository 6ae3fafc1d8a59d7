package pluggable

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// answerVersion is the version of the format of an answer file.
const answerVersion = 1

// answerFile is the content of an answer's file. The first line is the struct as JSON. The
// text follows it.
type answerFile struct {
	Version int           `json:"version"`
	Name    string        `json:"name"`
	Boot    string        `json:"boot"` // see moment
	Read    int64         `json:"read"`
	MaxAge  time.Duration `json:"maxAge"`
	Sum     string        `json:"sum"` // of the text; detects a torn write

	text []byte
}

func newAnswerFile(p *pendingAnswer) (*answerFile, error) {
	text, err := p.Encode()
	if err != nil {
		return nil, err
	}
	return &answerFile{answerVersion, p.Name, p.read.boot, p.read.at, p.MaxAge, sumOf(text), text}, nil
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// read returns the time at which the answer was correct.
func (f *answerFile) read() moment { return moment{f.Boot, f.Read} }

func (f *answerFile) encode() ([]byte, error) {
	line, err := json.Marshal(f)
	return append(append(line, '\n'), f.text...), err
}

// decodeAnswer is the inverse of encode. Its errors contain no text from the file.
func decodeAnswer(plain []byte) (*answerFile, error) {
	line, text, ok := bytes.Cut(plain, []byte("\n"))
	f := &answerFile{text: text}
	switch {
	case !ok, json.Unmarshal(line, f) != nil:
		return nil, errors.New("it is incomplete or damaged")
	case f.Version != answerVersion:
		return nil, fmt.Errorf("its version is %d, but this program reads version %d", f.Version, answerVersion)
	case f.Sum != sumOf(text):
		return nil, errors.New("it is incomplete or damaged")
	}
	return f, nil
}

// read reads the answer file at path, relative to the folder of the answers.
func (a *answers) read(path string) (*answerFile, error) {
	plain, err := readSealed(a.root.Load(), a.seal, path, 2*maxAnswer, "it is larger than the limit for an answer")
	if err != nil {
		return nil, err
	}
	f, err := decodeAnswer(plain)
	if err == nil && filepath.Base(path) != a.seal.hash("answer", f.Name) {
		return nil, errors.New("its content does not match its name")
	}
	return f, err
}

// write writes an answer to a temporary file and renames it to path. Unlike a record, the
// file is not synced to disk: a file that is torn by a crash is detected when it is read.
func (a *answers) write(path string, text []byte) error {
	root := a.root.Load()
	_ = root.Remove(besideOf(path))
	return replaceFile(root, path, text, os.O_EXCL, false)
}
