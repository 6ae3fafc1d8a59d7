package container

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// Spec says how to run a program.
type Spec struct {
	Args     []string
	Env      []string
	UID, GID int64
	Hostname string
	Hosts    string // further lines of /etc/hosts
	Network  Network

	// ReadOnly makes the root read-only. The root has nothing but the mounts.
	ReadOnly bool
	Mounts   []Mount
	// NoNewPrivileges and NoCapabilities are as in a container's security context.
	NoNewPrivileges, NoCapabilities bool
	// MemoryLimit is in bytes; 0 means no limit.
	MemoryLimit int64
}

// Mount is a file or a folder of this machine at a path in the container.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// object is a JSON object.
type object = map[string]any

// write writes the spec into a folder as a bundle, in the format of OCI's runtime specification.
func (s Spec) write(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "root"), 0o755); err != nil {
		return err
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n::1 localhost\n"+s.Hosts), 0o644); err != nil {
		return err
	}
	s.Mounts = append([]Mount{{Source: hosts, Target: "/etc/hosts"}}, s.Mounts...)
	text, err := json.Marshal(s.config())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600)
}

func (s Spec) config() object {
	linux := object{"namespaces": []object{
		{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network", "path": s.Network.path()},
	}}
	if s.MemoryLimit > 0 {
		linux["resources"] = object{"memory": object{"limit": s.MemoryLimit}}
	}
	capabilities := object{}
	if !s.NoCapabilities {
		capabilities["bounding"] = []string{
			"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID",
		}
	}
	return object{
		"ociVersion": "1.0.2", "hostname": s.Hostname, "linux": linux, "mounts": s.mounts(),
		"root": object{"path": "root", "readonly": s.ReadOnly},
		"process": object{
			"args": s.Args, "env": s.Env, "cwd": "/", "user": object{"uid": s.UID, "gid": s.GID},
			"capabilities": capabilities, "noNewPrivileges": s.NoNewPrivileges,
		},
	}
}

func (s Spec) mounts() []object {
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755", "size=65536k"}},
		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
	}
	for _, m := range s.Mounts {
		options := []string{"rbind", "rprivate"}
		if m.ReadOnly {
			options = append(options, "ro")
		}
		mounts = append(mounts, object{"destination": m.Target, "type": "bind", "source": m.Source, "options": options})
	}
	return mounts
}
