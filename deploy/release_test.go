//go:build release

package deploy

import (
	"archive/tar"
	"compress/gzip"
	"debug/elf"
	"debug/macho"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// dist is the folder with the files of a release.
const dist = "../dist"

// setting returns an environment variable that "make release-dry" sets.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	require.NotEmpty(t, value, `"make release-dry" sets %s`, name)
	return value
}

// releaseVersion returns the version without the v of its tag.
func releaseVersion(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(setting(t, "RELEASE_VERSION"), "v")
}

// nameFor returns the name of a platform's files, without what comes after the first dot.
func nameFor(t *testing.T, platform string) string {
	t.Helper()
	return "credential-resolver_" + releaseVersion(t) + "_" + strings.ReplaceAll(platform, "/", "_")
}

// run runs a program in a folder, with the content of a file as its input.
func run(t *testing.T, folder, input, program string, args ...string) error {
	t.Helper()
	in, err := os.Open(filepath.Join(folder, input))
	require.NoError(t, err)
	defer func() { _ = in.Close() }()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdin = folder, in
	out, err := cmd.CombinedOutput()
	t.Logf("%s: %s", program, out)
	return err
}

// copyOfDist returns a copy of the release that a test may change.
func copyOfDist(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(dist)))
	return folder
}

// change adds a byte to a file.
func change(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(" ")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestReleaseChecksumsCoverEveryFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
	require.NoError(t, err)
	files := []string{"checksums.txt", "checksums.txt.sig", "allowed_signers"}
	for line := range strings.Lines(string(text)) {
		files = append(files, strings.Fields(line)[1])
	}
	entries, err := os.ReadDir(dist)
	require.NoError(t, err)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	require.ElementsMatch(t, files, found)
	require.Len(t, found, 4+2*len(strings.Fields(setting(t, "RELEASE_PLATFORMS"))))

	folder := copyOfDist(t)
	verify := func() error {
		return run(t, folder, "checksums.txt", "sha256sum", "--check", "--strict", "checksums.txt")
	}
	require.NoError(t, verify())
	for _, name := range files[3:] {
		change(t, filepath.Join(folder, name))
		require.Error(t, verify(), "%s was changed", name)
		folder = copyOfDist(t)
	}
}

func TestReleaseSignatureIsOfTheChecksums(t *testing.T) {
	folder := copyOfDist(t)
	verify := func() error { // as docs/releases.md tells users to do
		return run(t, folder, "checksums.txt", "ssh-keygen", "-Y", "verify", "-f", "allowed_signers",
			"-I", "credential-resolver", "-n", "file", "-s", "checksums.txt.sig")
	}
	require.NoError(t, verify())
	change(t, filepath.Join(folder, "checksums.txt"))
	require.Error(t, verify())

	folder = copyOfDist(t)
	require.NoError(t, os.Remove(filepath.Join(folder, "checksums.txt.sig")))
	require.NoError(t, run(t, folder, "checksums.txt", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "another"))
	require.NoError(t, run(t, folder, "checksums.txt", "ssh-keygen", "-Y", "sign", "-n", "file", "-f", "another", "checksums.txt"))
	require.Error(t, verify(), "another key signed")
}

// contents reads an archive: its entries and their texts, by name.
func contents(t *testing.T, path string) (entries map[string]*tar.Header, texts map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	packed, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.Zero(t, packed.ModTime)
	entries, texts = map[string]*tar.Header{}, map[string]string{}
	for r := tar.NewReader(packed); ; {
		entry, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		entries[entry.Name], texts[entry.Name] = entry, string(text)
	}
	return entries, texts
}

func TestReleaseArchivesAreComplete(t *testing.T) {
	for platform := range strings.FieldsSeq(setting(t, "RELEASE_PLATFORMS")) {
		t.Run(platform, func(t *testing.T) {
			name := nameFor(t, platform)
			entries, texts := contents(t, filepath.Join(dist, name+".tar.gz"))
			modes := map[string]int64{}
			for path, entry := range entries {
				modes[path] = entry.Mode
				require.Zero(t, entry.Uid)
				require.Zero(t, entry.Gid)
				require.Empty(t, entry.Uname)
				require.Equal(t, entries[name+"/"].ModTime, entry.ModTime)
			}
			require.Equal(t, map[string]int64{
				name + "/": 0o755, name + "/credential-resolver": 0o755,
				name + "/LICENSE": 0o644, name + "/NOTICES.txt": 0o644, name + "/README.md": 0o644, name + "/CHANGELOG.md": 0o644,
			}, modes)
			for _, file := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
				text, err := os.ReadFile("../" + file)
				require.NoError(t, err)
				require.Equal(t, string(text), texts[name+"/"+file])
			}
			requirePlatform(t, platform, texts[name+"/credential-resolver"])
			requireSBOM(t, filepath.Join(dist, name+".sbom.cdx.json"), texts[name+"/NOTICES.txt"])
		})
	}
}

// requirePlatform requires that a binary is one of a platform. On Linux, it must be static.
func requirePlatform(t *testing.T, platform, binary string) {
	t.Helper()
	system, arch, _ := strings.Cut(platform, "/")
	switch system {
	case "linux":
		f, err := elf.NewFile(strings.NewReader(binary))
		require.NoError(t, err)
		require.Equal(t, map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch], f.Machine)
		for _, program := range f.Progs {
			require.NotEqual(t, elf.PT_INTERP, program.Type, "it needs a dynamic linker")
		}
	case "darwin":
		f, err := macho.NewFile(strings.NewReader(binary))
		require.NoError(t, err)
		require.Equal(t, macho.TypeExec, f.Type)
		require.Equal(t, map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64}[arch], f.Cpu)
	default:
		require.Fail(t, "no release has this platform", platform)
	}
}

// requireSBOM requires an SBOM that names the modules of the notices.
func requireSBOM(t *testing.T, path, notices string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var sbom struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version string }
	}
	require.NoError(t, json.Unmarshal(text, &sbom))
	require.Equal(t, "CycloneDX", sbom.BOMFormat)
	require.Greater(t, len(sbom.Components), 100)
	for _, component := range sbom.Components {
		if component.Name != "std" {
			require.Contains(t, notices, "\n"+component.Name+"@"+component.Version+": ")
		}
	}
}

// TestReleaseBinarySaysItsVersion runs the binary of this machine's platform, which must be among
// the platforms.
func TestReleaseBinarySaysItsVersion(t *testing.T) {
	name := nameFor(t, runtime.GOOS+"/"+runtime.GOARCH)
	folder := t.TempDir()
	out, err := exec.Command("tar", "-C", folder, "-xzf", filepath.Join(dist, name+".tar.gz")).CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(filepath.Join(folder, name, "credential-resolver"), "--version").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, strings.Fields(string(out)), setting(t, "RELEASE_VERSION"))
}

func TestReleaseChartInstallsTheImageOfItsVersion(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(dist, "credential-resolver-*.tgz"))
	require.NoError(t, err)
	require.Len(t, paths, 1)
	_, texts := contents(t, paths[0])
	var chart struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(texts["credential-resolver/Chart.yaml"]), &chart))
	require.Equal(t, "credential-resolver-"+chart.Version+".tgz", filepath.Base(paths[0]))
	require.Contains(t, chart.Version, releaseVersion(t))
	var values struct{ Image struct{ Tag string } }
	require.NoError(t, yaml.Unmarshal([]byte(texts["credential-resolver/values.yaml"]), &values))
	require.Equal(t, setting(t, "RELEASE_VERSION"), values.Image.Tag, `the tag of "make image"`)
	require.Equal(t, values.Image.Tag, chart.AppVersion)

	out, err := exec.Command("../bin/helm", "template", paths[0], "--set", "scopes={app}",
		"--values", "chart/values/state.redis.yaml", "--values", "chart/values/secretstores.hashicorp.vault.yaml").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "credential-resolver:"+values.Image.Tag)
}
