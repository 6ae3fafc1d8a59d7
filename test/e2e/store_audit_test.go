//go:build e2e && stores

package e2e

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/test/harness"
)

// TestStoreAuditLogIsRotated has the real logrotate rotate the audit log under load. No line may be
// lost, and the chain must go through all files. The component has a user of its own, as where it is
// a service.
func TestStoreAuditLogIsRotated(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"create":                         "create",
		"create, compressed":             "create\n  compress\n  delaycompress",
		"nocreate, compressed afterward": "nocreate\n  compress\n  delaycompress",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log, folder := newStores(t), newAuditLog(t), t.TempDir()
			o := harness.ComponentOptions{SocketFolder: socketFolder(t), Args: log.flags()}
			if os.Getuid() == 0 {
				o.UID, o.Binary = nobody, copyBinary(t)
				makeReachable(t, s.folder)
				makeReachable(t, filepath.Dir(log.key))
				for _, path := range []string{o.SocketFolder, log.key, filepath.Dir(filepath.Dir(log.path))} {
					require.NoError(t, os.Chown(path, nobody, nobody))
				}
			}
			component := startComponent(t, o)
			daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(map[string]any{"cacheTTL": "1h"}))))
			load := newNumbered(t, s, daprd)
			load.start(t)
			file := filepath.Join(folder, "logrotate.conf")
			require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "%s {\n  rotate 100\n  %s\n}\n", log.path, config), 0o600))
			const rotations = 4
			for range rotations {
				load.await(t, 50)
				out, err := exec.Command("logrotate", "--force", "--state", filepath.Join(folder, "state"), file).CombinedOutput()
				require.NoError(t, err, "%s", out)
				require.Eventually(t, func() bool {
					info, err := os.Stat(log.path)
					return err == nil && info.Size() > 0
				}, patience, tick, "the component must go on in a new file")
			}
			load.await(t, 50)
			load.stop()
			require.NoError(t, component.Stop())

			var rotated []string
			for i := rotations; i > 0; i-- {
				rotated = append(rotated, unzipped(t, log.path+"."+strconv.Itoa(i), folder))
			}
			out := log.verify(t, rotated...)
			require.Equal(t, 1, strings.Count(out, "\n"), "no finding: %s", out)
			require.Contains(t, out, " 0 lost")
			require.Empty(t, load.failures)
			require.Empty(t, load.withoutLine(t, log.lines(t, rotated...)))
			t.Logf("%d answers over %d rotations", load.count(), rotations)
		})
	}
}

// unzipped returns the path of a rotated file. It unzips it into a folder first, if it is
// compressed.
func unzipped(t *testing.T, path, folder string) string {
	t.Helper()
	f, err := os.Open(path + ".gz")
	if errors.Is(err, os.ErrNotExist) {
		return path
	}
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	reader, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	path = filepath.Join(folder, filepath.Base(path))
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// smallDisk is a file system of its own, which a test can fill.
type smallDisk struct{ folder string }

func newSmallDisk(t *testing.T) smallDisk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("only root can mount a file system: run make e2e-stores as root")
	}
	folder := socketFolder(t)
	require.NoError(t, unix.Mount("tmpfs", folder, "tmpfs", 0, "size=16m,mode=0700"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(folder, unix.MNT_DETACH)) })
	return smallDisk{folder}
}

// fill leaves no space. free frees it.
func (d smallDisk) fill(t *testing.T) (free func()) {
	t.Helper()
	path := filepath.Join(d.folder, "filler")
	f, err := os.Create(path)
	require.NoError(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 64<<10))
	}
	require.ErrorIs(t, err, unix.ENOSPC)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(path)) }
}

// TestStoreAuditLogOnAFullDisk fills the disk of an audit log that is not required. Answers must go
// on, and when there is space again the log must say how many lines were lost.
func TestStoreAuditLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := newSmallDisk(t)
	s, log := newStores(t), auditLogIn(t, disk.folder)
	const many = 500
	for i := range many {
		s.config(t, "c"+strconv.Itoa(i), `{"host":"h"}`)
	}
	side := startSidecar(t, harness.ComponentOptions{Args: log.flags(), Metrics: true},
		credentials("credentials", s.metadata(map[string]any{"allowBulk": "true", "cacheTTL": "1h"})))
	bulk := func() {
		all, err := side.bulk(t, "credentials", nil)
		require.NoError(t, err)
		require.Len(t, all, many)
	}
	bulk()
	free := disk.fill(t)
	const lost = "credential_resolver_audit_lost_total"
	require.Eventually(t, func() bool {
		bulk()
		return metric(t, side.component.Metrics, lost) > 0
	}, patience, tick, "the queue is bounded")
	requireSaid(t, side.component, "level=error msg=\"audit log: lines cannot be written")
	require.Contains(t, side.component.Log(), "no space left on device")
	require.Positive(t, metric(t, side.component.Metrics, "credential_resolver_audit_write_errors_total"))

	free()
	requireSaid(t, side.component, "audit log: lines are written again")
	bulk()
	count := int(metric(t, side.component.Metrics, lost))
	require.NoError(t, side.component.Stop())
	require.Contains(t, side.component.Log(), fmt.Sprintf("lines are written again; %d were lost", count))
	out := log.verify(t)
	require.Contains(t, out, fmt.Sprintf("%d lines were lost before this one", count))
	require.Contains(t, out, fmt.Sprintf(" %d lost; ", count))
}

// TestStoreAuditLogIsRequired fills the disk of an audit log that is required. Nothing may be
// answered without its line.
func TestStoreAuditLogIsRequired(t *testing.T) {
	t.Parallel()
	disk := newSmallDisk(t)
	s, log := newStores(t), auditLogIn(t, disk.folder)
	side := startSidecar(t, harness.ComponentOptions{Args: log.flags("--audit-required"), Metrics: true},
		credentials("credentials", s.metadata(map[string]any{"cacheTTL": "1h"})))
	load := newNumbered(t, s, side.daprd)
	load.start(t)
	for range 3 {
		load.await(t, 100)
		free := disk.fill(t)
		require.Eventually(t, func() bool {
			return strings.Contains(load.one(t.Context()), "code = Unavailable desc = credential \"numbered-0\": the request cannot be audited")
		}, patience, tick)
		for range 50 {
			require.Contains(t, load.one(t.Context()), "the request cannot be audited")
		}
		free()
	}
	load.await(t, 100)
	load.stop()
	requireSaid(t, side.component, "free space on the file system of --audit-log")
	count := int(metric(t, side.component.Metrics, "credential_resolver_audit_lost_total"))
	require.NoError(t, side.component.Stop())
	require.Empty(t, load.withoutLine(t, log.lines(t)))
	for failure := range load.failures {
		require.Contains(t, failure, "the request cannot be audited")
	}
	out := log.verify(t)
	require.Contains(t, out, fmt.Sprintf(" %d lost; ", count))
	t.Logf("%d answers, %d requests without a line", load.count(), count)
}
