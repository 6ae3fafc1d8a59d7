package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// writeBundle writes what runc needs to start the container: its configuration, in the format of
// OCI's runtime specification, and an empty root folder.
func (c *Container) writeBundle(dir string) error {
	config, err := c.config()
	if err != nil {
		return fmt.Errorf("container %s: %w", c.Spec.Name, err)
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "root"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600)
}

// object is a JSON object.
type object = map[string]any

func (c *Container) config() (object, error) {
	image, err := c.image()
	if err != nil {
		return nil, err
	}
	env, err := c.env()
	if err != nil {
		return nil, err
	}
	mounts, err := c.mounts(image)
	if err != nil {
		return nil, err
	}
	command, args := c.Spec.Command, c.Spec.Args
	if len(command) == 0 {
		command = image.Entrypoint
		if len(args) == 0 {
			args = image.Cmd
		}
	}
	security := c.security()
	uid, gid := image.UID, image.GID
	if security.RunAsUser != nil {
		uid = *security.RunAsUser
	}
	if security.RunAsGroup != nil {
		gid = *security.RunAsGroup
	}
	if uid == 0 && security.RunAsNonRoot != nil && *security.RunAsNonRoot {
		return nil, fmt.Errorf("runAsNonRoot, and the user is root")
	}
	capabilities := object{"bounding": []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_NET_BIND_SERVICE"}}
	if security.Capabilities != nil && slices.Contains(security.Capabilities.Drop, "ALL") {
		capabilities = object{}
	}
	linux := object{"namespaces": []object{
		{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network", "path": c.pod.net.path()},
	}}
	if limit, ok := c.Spec.Resources.Limits[corev1.ResourceMemory]; ok {
		linux["resources"] = object{"memory": object{"limit": limit.Value()}}
	}
	return object{
		"ociVersion": "1.0.2", "hostname": c.pod.Spec.Name,
		"root": object{"path": "root", "readonly": security.ReadOnlyRootFilesystem != nil && *security.ReadOnlyRootFilesystem},
		"process": object{
			"args": append(slices.Clone(command), args...), "env": env, "cwd": "/",
			"user": object{"uid": uid, "gid": gid}, "capabilities": capabilities,
			"noNewPrivileges": security.AllowPrivilegeEscalation != nil && !*security.AllowPrivilegeEscalation,
		},
		"mounts": mounts, "linux": linux,
	}, nil
}

// security returns the container's security context, with the values of its pod's.
func (c *Container) security() corev1.SecurityContext {
	var security corev1.SecurityContext
	if c.Spec.SecurityContext != nil {
		security = *c.Spec.SecurityContext
	}
	if pod := c.pod.Spec.Spec.SecurityContext; pod != nil {
		if security.RunAsUser == nil {
			security.RunAsUser = pod.RunAsUser
		}
		if security.RunAsGroup == nil {
			security.RunAsGroup = pod.RunAsGroup
		}
		if security.RunAsNonRoot == nil {
			security.RunAsNonRoot = pod.RunAsNonRoot
		}
	}
	return security
}

func (c *Container) mounts(image Image) ([]object, error) {
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755", "size=65536k"}},
		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
	}
	bind := func(destination, source string, readOnly bool) {
		options := []string{"rbind", "rprivate"}
		if readOnly {
			options = append(options, "ro")
		}
		mounts = append(mounts, object{"destination": destination, "type": "bind", "source": source, "options": options})
	}
	for destination, source := range image.Files {
		bind(destination, source, true)
	}
	hosts := filepath.Join(c.pod.dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n::1 localhost\n"+c.pod.node.services.hosts()), 0o644); err != nil {
		return nil, err
	}
	bind("/etc/hosts", hosts, false)
	for _, mount := range c.Spec.VolumeMounts {
		source, ok := c.pod.volumes[mount.Name]
		if !ok || mount.SubPath != "" {
			return nil, fmt.Errorf("volume mount %s: no such volume, or a subPath", mount.Name)
		}
		bind(mount.MountPath, source, mount.ReadOnly)
	}
	return mounts, nil
}

func (c *Container) env() ([]string, error) {
	host, port, _ := strings.Cut(c.pod.node.services.api, ":")
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + c.pod.Spec.Name,
		"KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port,
	}
	for _, variable := range c.Spec.Env {
		value := variable.Value
		if from := variable.ValueFrom; from != nil {
			var err error
			switch {
			case from.FieldRef != nil:
				value, err = c.pod.field(from.FieldRef)
			case from.SecretKeyRef != nil:
				var entries map[string][]byte
				entries, err = c.pod.secret(context.Background(), from.SecretKeyRef.Name)
				value = string(entries[from.SecretKeyRef.Key])
			default:
				err = fmt.Errorf("unknown kind of source")
			}
			if err != nil {
				return nil, fmt.Errorf("variable %s: %w", variable.Name, err)
			}
		}
		env = append(env, variable.Name+"="+value)
	}
	return env, nil
}

// field returns the value of a field of the pod.
func (p *Pod) field(field *corev1.ObjectFieldSelector) (string, error) {
	switch field.FieldPath {
	case "metadata.name":
		return p.Spec.Name, nil
	case "metadata.namespace":
		return p.Spec.Namespace, nil
	case "status.podIP":
		return podAddress, nil
	}
	return "", fmt.Errorf("unknown field %s", field.FieldPath)
}
