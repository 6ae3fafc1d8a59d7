package owned

import (
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entry is the info of a folder or file with any owner. Only root could create such files.
type entry struct {
	mode fs.FileMode
	uid  uint32
}

var _ fs.FileInfo = entry{}

func (e entry) Name() string       { return "x" }
func (e entry) Size() int64        { return 0 }
func (e entry) Mode() fs.FileMode  { return e.mode }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.mode.IsDir() }
func (e entry) Sys() any           { return &syscall.Stat_t{Uid: e.uid} }

func TestFolderThatIsAcceptedOrRefused(t *testing.T) {
	const root, ann, mallory = 0, 1000, 1001
	dir := func(mode fs.FileMode, uid uint32) entry { return entry{fs.ModeDir | mode, uid} }
	var (
		last   = rules{uid: ann}
		above  = last.above()
		shared = rules{uid: ann, shared: true}
		alone  = rules{uid: ann, alone: true}
		byRoot = rules{uid: root}
	)
	tests := map[string]struct {
		rules rules
		entry entry
		says  string // "" means accepted
	}{
		"ours":                                {last, dir(0o755, ann), ""},
		"ours, private":                       {last, dir(0o700, ann), ""},
		"root's":                              {last, dir(0o755, root), ""},
		"another user's":                      {last, dir(0o755, mallory), `(owner uid 1001, mode 0755) does not belong to this process's user (uid 1000) or to root`},
		"another user's, for root":            {byRoot, dir(0o755, ann), `chown -h 0 /x`},
		"the group may write to it":           {last, dir(0o775, ann), `(owner uid 1000, mode 0775) can be written to by users other than its owner: run "chmod go-w /x", or use another folder`},
		"all may write to it":                 {last, dir(0o757, root), `chmod go-w /x`},
		"sticky":                              {last, dir(fs.ModeSticky|0o777, root), `(owner uid 0, mode 1777) can be written to by users other than its owner: use a folder inside it`},
		"a parent, sticky":                    {above, dir(fs.ModeSticky|0o777, root), ""},
		"a parent, another user's and sticky": {above, dir(fs.ModeSticky|0o777, mallory), `belong`},
		"a parent, all may write to it":       {above, dir(0o777, root), `chmod go-w /x`},
		"shared, all may write to it":         {shared, dir(0o777, root), ""},
		"shared, another user's":              {shared, dir(0o700, mallory), `belong`},
		"a parent of a shared one, all may write to it": {shared.above(), dir(0o777, root), `chmod go-w /x`},
		"must be ours, and is":                          {alone, dir(0o700, ann), ""},
		"must be ours, but is root's":                   {alone, dir(0o700, root), `does not belong to this process's user (uid 1000): use another folder`},
		"a file":                                        {last, entry{0, ann}, `is not a folder`},
		"a link":                                        {last, entry{fs.ModeSymlink | 0o777, ann}, `is a symbolic link`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := checkFolder("/x", test.entry, test.rules)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			assert.ErrorContains(t, err, "/x (owner uid ")
			assert.ErrorContains(t, err, test.says)
			assert.EqualValues(t, test.entry.uid, refusal.Owner)
			accepted := test.rules
			accepted.shared = true
			assert.Equal(t, checkFolder("/x", test.entry, accepted) == nil && !test.rules.sticky, refusal.Shared)
		})
	}
}

func TestFileThatIsAcceptedOrRefused(t *testing.T) {
	tests := map[string]struct {
		entry entry
		says  string // "" means accepted
	}{
		"ours":                       {entry{0o600, 1000}, ""},
		"all may read it":            {entry{0o644, 1000}, ""},
		"root's":                     {entry{0o644, 0}, ""},
		"another user's":             {entry{0o600, 1001}, `run "chown -h 1000 /x"`},
		"the group may write to it":  {entry{0o660, 1000}, `run "chmod go-w /x", or use another file`},
		"others may write to it":     {entry{0o602, 1000}, `run "chmod go-w /x", or use another file`},
		"a folder":                   {entry{fs.ModeDir | 0o700, 1000}, `is not a regular file`},
		"a link, even ours":          {entry{fs.ModeSymlink | 0o777, 1000}, `is a symbolic link, which is not followed`},
		"a pipe, which would hang":   {entry{fs.ModeNamedPipe | 0o600, 1000}, `is not a regular file`},
		"a device, which has no end": {entry{fs.ModeDevice | fs.ModeCharDevice | 0o600, 0}, `is not a regular file`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := checkFile("/x", test.entry, rules{uid: 1000})
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}
