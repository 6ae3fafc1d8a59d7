package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// makeVolumes creates the pod's volumes, as folders of this machine.
func (p *Pod) makeVolumes(ctx context.Context) error {
	p.volumes = map[string]string{}
	for _, volume := range p.Spec.Spec.Volumes {
		dir := filepath.Join(p.dir, "volumes", volume.Name)
		err := error(nil)
		if empty := volume.EmptyDir; empty == nil {
			err = p.writeVolume(ctx, dir, volume)
		} else {
			if empty.Medium == corev1.StorageMediumMemory {
				dir = filepath.Join(p.memory, volume.Name)
			}
			err = makeEmptyDir(dir)
		}
		if err != nil {
			return fmt.Errorf("volume %s of pod %s: %w", volume.Name, p.Spec.Name, err)
		}
		p.volumes[volume.Name] = dir
	}
	return nil
}

// Sync writes the pod's volumes again, as the kubelet does from time to time: changes of Secrets
// and ConfigMaps reach the containers.
func (p *Pod) Sync(ctx context.Context) error {
	for _, volume := range p.Spec.Spec.Volumes {
		if volume.EmptyDir != nil {
			continue
		}
		if err := p.writeVolume(ctx, p.volumes[volume.Name], volume); err != nil {
			return fmt.Errorf("volume %s of pod %s: %w", volume.Name, p.Spec.Name, err)
		}
	}
	return nil
}

// writeVolume writes the files of a volume.
func (p *Pod) writeVolume(ctx context.Context, dir string, volume corev1.Volume) (err error) {
	var files map[string][]byte
	switch source := volume.VolumeSource; {
	case source.Secret != nil:
		files, err = p.secret(ctx, source.Secret.SecretName)
	case source.ConfigMap != nil:
		files, err = p.configMap(ctx, source.ConfigMap.Name)
	case source.Projected != nil:
		files, err = p.projected(ctx, source.Projected.Sources)
	default:
		err = fmt.Errorf("unknown kind of volume")
	}
	if err != nil {
		return err
	}
	return writeFiles(dir, files)
}

// makeEmptyDir creates an emptyDir: everybody may write to it, whatever the umask.
func makeEmptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o777)
}

// writeFiles writes the files of a volume through symbolic links, and replaces all of them at
// once, as the kubelet does.
func writeFiles(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := os.MkdirTemp(dir, "..data_")
	if err != nil {
		return err
	}
	if err := os.Chmod(data, 0o755); err != nil {
		return err
	}
	const link = "..data"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(data, name), text, 0o644); err != nil {
			return err
		}
		err := os.Symlink(filepath.Join(link, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	fresh := data + "_link"
	if err := os.Symlink(filepath.Base(data), fresh); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(dir, link))
}

func (p *Pod) namespaced(resource, name string) string {
	return "/api/v1/namespaces/" + p.Spec.Namespace + "/" + resource + "/" + name
}

func (p *Pod) secret(ctx context.Context, name string) (map[string][]byte, error) {
	var secret corev1.Secret
	err := p.node.API.Do(ctx, "GET", p.namespaced("secrets", name), nil, &secret)
	return secret.Data, err
}

func (p *Pod) configMap(ctx context.Context, name string) (map[string][]byte, error) {
	var found corev1.ConfigMap
	err := p.node.API.Do(ctx, "GET", p.namespaced("configmaps", name), nil, &found)
	files := maps.Clone(found.BinaryData)
	if files == nil {
		files = map[string][]byte{}
	}
	for key, text := range found.Data {
		files[key] = []byte(text)
	}
	return files, err
}

// projected returns the files of a projected volume. A source's list of items is not applied:
// the pods in the tests list all.
func (p *Pod) projected(ctx context.Context, sources []corev1.VolumeProjection) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, source := range sources {
		var more map[string][]byte
		var err error
		switch {
		case source.ServiceAccountToken != nil:
			var token string
			token, err = p.token(ctx, source.ServiceAccountToken)
			more = map[string][]byte{source.ServiceAccountToken.Path: []byte(token)}
		case source.ConfigMap != nil:
			more, err = p.configMap(ctx, source.ConfigMap.Name)
		case source.Secret != nil:
			more, err = p.secret(ctx, source.Secret.Name)
		case source.DownwardAPI != nil:
			more = map[string][]byte{}
			for _, item := range source.DownwardAPI.Items {
				var value string
				value, err = p.field(item.FieldRef)
				more[item.Path] = []byte(value)
			}
		default:
			err = fmt.Errorf("unknown kind of projection")
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(files, more)
	}
	return files, nil
}

// token requests a token for the pod's service account, which is bound to the pod.
func (p *Pod) token(ctx context.Context, source *corev1.ServiceAccountTokenProjection) (string, error) {
	request := &authenticationv1.TokenRequest{
		TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenRequest"},
		Spec: authenticationv1.TokenRequestSpec{
			ExpirationSeconds: source.ExpirationSeconds,
			BoundObjectRef: &authenticationv1.BoundObjectReference{
				Kind: "Pod", APIVersion: "v1", Name: p.Spec.Name, UID: p.Spec.UID,
			},
		},
	}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	err := p.node.API.Do(ctx, "POST", p.namespaced("serviceaccounts", p.Spec.Spec.ServiceAccountName)+"/token", request, request)
	return request.Status.Token, err
}
