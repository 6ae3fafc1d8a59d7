package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// Role is the name of each role that EnableAuth creates.
const Role = "credential-resolver"

// EnableAuth enables an auth method at its default mount, with its configuration if there is
// one, and writes an object of it: a role, a user or a certificate. path is below the mount.
// changes replace members of the role's JSON.
func (v *Vault) EnableAuth(ctx context.Context, method string, config map[string]any, path string, role []byte, changes map[string]any) error {
	if err := v.Do(ctx, http.MethodPost, "sys/auth/"+method, map[string]string{"type": method}); err != nil {
		return err
	}
	if config != nil {
		if err := v.Do(ctx, http.MethodPost, "auth/"+method+"/config", config); err != nil {
			return err
		}
	}
	object := map[string]any{}
	if err := json.NewDecoder(bytes.NewReader(role)).Decode(&object); err != nil {
		return err
	}
	for name, value := range changes {
		object[name] = value
	}
	return v.Do(ctx, http.MethodPost, "auth/"+method+"/"+path, object)
}

// AppRole returns the role ID of the AppRole, and a new secret ID of it.
func (v *Vault) AppRole(ctx context.Context) (role, secret string, err error) {
	var made struct {
		Data struct {
			RoleID   string `json:"role_id"`
			SecretID string `json:"secret_id"`
		}
	}
	if err := v.call(ctx, http.MethodGet, "auth/approle/role/"+Role+"/role-id", nil, &made); err != nil {
		return "", "", err
	}
	role = made.Data.RoleID
	err = v.call(ctx, http.MethodPost, "auth/approle/role/"+Role+"/secret-id", nil, &made)
	return role, made.Data.SecretID, err
}

// WrappedSecretID returns a wrapping token for a new secret ID of the AppRole.
func (v *Vault) WrappedSecretID(ctx context.Context) (string, error) {
	var made struct {
		Info struct{ Token string } `json:"wrap_info"`
	}
	wrap := http.Header{"X-Vault-Wrap-Ttl": {"5m"}}
	err := v.callWith(ctx, wrap, http.MethodPost, "auth/approle/role/"+Role+"/secret-id", nil, &made)
	return made.Info.Token, err
}

// RevokeLogins revokes the tokens of all logins with a method.
func (v *Vault) RevokeLogins(ctx context.Context, method string) error {
	return v.Do(ctx, http.MethodPut, "sys/leases/revoke-prefix/auth/"+method, nil)
}
