package kubelet

import (
	"context"
	"fmt"
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
		var err error
		dir := filepath.Join(p.dir, "volumes", volume.Name)
		switch source := volume.VolumeSource; {
		case source.EmptyDir != nil:
			if source.EmptyDir.Medium == corev1.StorageMediumMemory {
				dir = filepath.Join(p.memory, volume.Name)
			}
			err = makeEmptyDir(dir)
		case source.Secret != nil:
			var files map[string][]byte
			files, err = p.secret(ctx, source.Secret.SecretName)
			err = orWrite(err, dir, files)
		case source.ConfigMap != nil:
			var files map[string][]byte
			files, err = p.configMap(ctx, source.ConfigMap.Name)
			err = orWrite(err, dir, files)
		case source.Projected != nil:
			var files map[string][]byte
			files, err = p.projected(ctx, source.Projected.Sources)
			err = orWrite(err, dir, files)
		default:
			err = fmt.Errorf("unknown kind of volume")
		}
		if err != nil {
			return fmt.Errorf("volume %s of pod %s: %w", volume.Name, p.Spec.Name, err)
		}
		p.volumes[volume.Name] = dir
	}
	return nil
}

// makeEmptyDir creates an emptyDir: everybody may write to it, whatever the umask.
func makeEmptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o777)
}

func orWrite(err error, dir string, files map[string][]byte) error {
	if err != nil {
		return err
	}
	return writeFiles(dir, files)
}

// writeFiles writes the files of a volume through symbolic links, as the kubelet does.
func writeFiles(dir string, files map[string][]byte) error {
	const data, link = "..2026_11_28_00_00_00.000000001", "..data"
	if err := os.MkdirAll(filepath.Join(dir, data), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(data, filepath.Join(dir, link)); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, data, name), text, 0o644); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join(link, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
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
