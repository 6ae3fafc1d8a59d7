//go:build chart

package deploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	strict "sigs.k8s.io/yaml"
)

// TestContainerHasAnAuditLog renders the audit log on standard output, in a file, and not at all.
// The container must have its flags and its mounts, and the example's pod their volumes.
func TestContainerHasAnAuditLog(t *testing.T) {
	key := corev1.VolumeMount{Name: "credential-audit-key", MountPath: "/etc/credential-resolver/audit", ReadOnly: true}
	file := corev1.VolumeMount{Name: "audit", MountPath: "/var/log/credential-resolver", SubPath: "audit"}
	for name, test := range map[string]struct {
		values string
		flags  []string
		mounts []corev1.VolumeMount
	}{
		"none": {`{}`, nil, nil},
		"standard output": {
			`{"log":"stdout"}`, []string{"--audit-log=stdout", "--audit-key-file=/etc/credential-resolver/audit/audit.key"}, []corev1.VolumeMount{key},
		},
		"a file": {
			`{"log":"/var/log/credential-resolver/audit.log","required":true,"volumeMounts":[{"name":"audit","mountPath":"/var/log/credential-resolver","subPath":"audit"}]}`,
			[]string{"--audit-log=/var/log/credential-resolver/audit.log", "--audit-key-file=/etc/credential-resolver/audit/audit.key", "--audit-required"},
			[]corev1.VolumeMount{key, file},
		},
	} {
		t.Run(name, func(t *testing.T) {
			manifests := rendered(t, append(valuesOf("bindings.localstorage"), "--set", "example.enabled=true", "--set-json", "container.audit="+test.values)...)
			container := injected(t, manifests["Component/credentials"])
			known := serveFlags(t)
			var flags []string
			for _, argument := range container.Args {
				if flag, _, _ := strings.Cut(argument, "="); strings.HasPrefix(flag, "--audit") {
					require.Contains(t, known, flag)
					flags = append(flags, argument)
				}
			}
			require.Equal(t, test.flags, flags)
			mounts := slices.DeleteFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return !strings.Contains(m.Name, "audit") })
			require.ElementsMatch(t, test.mounts, mounts)

			var app appsv1.Deployment
			require.NoError(t, strict.UnmarshalStrict([]byte(manifests["Deployment/app"]), &app))
			has := slices.ContainsFunc(app.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == key.Name })
			require.Equal(t, test.flags != nil, has)
		})
	}
}
