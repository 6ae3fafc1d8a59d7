package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/container"
)

// containerSpec says how to run the container.
func (c *Container) containerSpec() (container.Spec, error) {
	image, err := c.image()
	if err != nil {
		return container.Spec{}, err
	}
	env, err := c.env()
	if err != nil {
		return container.Spec{}, err
	}
	mounts, err := c.mounts(image)
	if err != nil {
		return container.Spec{}, err
	}
	command, args := c.Spec.Command, c.Spec.Args
	if len(command) == 0 {
		command = image.Entrypoint
		if len(args) == 0 {
			args = image.Cmd
		}
	}
	security := c.security()
	spec := container.Spec{
		Args: append(slices.Clone(command), args...), Env: env, Mounts: mounts,
		Hostname: c.pod.Spec.Name, Hosts: c.pod.node.services.hosts(), Network: c.pod.net,
		UID: valueOr(security.RunAsUser, image.UID), GID: valueOr(security.RunAsGroup, image.GID),
		ReadOnly:        valueOr(security.ReadOnlyRootFilesystem, false),
		NoNewPrivileges: !valueOr(security.AllowPrivilegeEscalation, true),
		NoCapabilities:  security.Capabilities != nil && slices.Contains(security.Capabilities.Drop, "ALL"),
		MemoryLimit:     c.Spec.Resources.Limits.Memory().Value(),
	}
	if spec.UID == 0 && valueOr(security.RunAsNonRoot, false) {
		return spec, errors.New("runAsNonRoot, and the user is root")
	}
	return spec, nil
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
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

func (c *Container) mounts(image Image) ([]container.Mount, error) {
	var mounts []container.Mount
	for target, source := range image.Files {
		mounts = append(mounts, container.Mount{Source: source, Target: target, ReadOnly: true})
	}
	for _, mount := range c.Spec.VolumeMounts {
		source, ok := c.pod.volumes[mount.Name]
		if !ok || mount.SubPath != "" {
			return nil, fmt.Errorf("volume mount %s: no such volume, or a subPath", mount.Name)
		}
		mounts = append(mounts, container.Mount{Source: source, Target: mount.MountPath, ReadOnly: mount.ReadOnly})
	}
	return mounts, nil
}

func (c *Container) env() ([]string, error) {
	host, port, err := net.SplitHostPort(c.pod.node.services.api)
	if err != nil {
		return nil, err
	}
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
		return container.Address, nil
	}
	return "", fmt.Errorf("unknown field %s", field.FieldPath)
}
