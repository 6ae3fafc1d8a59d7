package gcptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Project is the project of the secrets, and of Firestore's entities.
const Project = "my-project"

// SecretManager is a Secret Manager in memory.
type SecretManager struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	*Server

	mu      sync.Mutex
	token   string // that requests must have; "" means none
	secrets map[string]*secret
	fail    error
	wrong   bool
	header  metadata.MD
	asked   string
}

type secret struct {
	versions []version
	aliases  map[string]int
	denied   bool
}

type version struct {
	data  []byte
	state secretmanagerpb.SecretVersion_State
}

// NewSecretManager starts a Secret Manager. A request must have the token; "" means that it must
// have none.
func NewSecretManager(config *tls.Config, token string) (*SecretManager, error) {
	m := &SecretManager{token: token, secrets: map[string]*secret{}}
	var err error
	m.Server, err = newServer(config, func(s *grpc.Server) { secretmanagerpb.RegisterSecretManagerServiceServer(s, m) })
	return m, err
}

// Put adds a version to a secret.
func (m *SecretManager) Put(name, data string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.secret(name)
	s.versions = append(s.versions, version{[]byte(data), secretmanagerpb.SecretVersion_ENABLED})
}

func (m *SecretManager) secret(name string) *secret {
	if m.secrets[name] == nil {
		m.secrets[name] = &secret{aliases: map[string]int{}}
	}
	return m.secrets[name]
}

// SetState sets the state of a secret's version, which is a number from 1.
func (m *SecretManager) SetState(name string, number int, state secretmanagerpb.SecretVersion_State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[name].versions[number-1].state = state
}

// Alias gives a version another name.
func (m *SecretManager) Alias(name, alias string, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[name].aliases[alias] = number
}

// Deny lets nobody read a secret, which may exist.
func (m *SecretManager) Deny(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secret(name).denied = true
}

// Fail makes all requests fail; nil means no longer.
func (m *SecretManager) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// SendWrongChecksums makes the checksums of all answers wrong.
func (m *SecretManager) SendWrongChecksums() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong = true
}

// Last returns the header of the last request, and the version that it asked for.
func (m *SecretManager) Last() (metadata.MD, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.header, m.asked
}

// AccessSecretVersion implements Google's interface.
func (m *SecretManager) AccessSecretVersion(
	ctx context.Context, req *secretmanagerpb.AccessSecretVersionRequest,
) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.header, _ = metadata.FromIncomingContext(ctx)
	m.asked = req.GetName()
	if given := strings.Join(m.header.Get("authorization"), ","); m.token != "" && given != "Bearer "+m.token || m.token == "" && given != "" {
		return nil, status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
	}
	if m.fail != nil {
		return nil, m.fail
	}
	resource, asked, _ := strings.Cut(req.GetName(), "/versions/")
	s := m.secrets[strings.TrimPrefix(resource, "projects/"+Project+"/secrets/")]
	switch {
	case s == nil || len(s.versions) == 0 && !s.denied:
		return nil, status.Errorf(codes.NotFound, "Secret [%s] not found or has no versions.", resource)
	case s.denied:
		return nil, Denied("secretmanager.versions.access", req.GetName())
	}
	number := s.aliases[asked]
	if asked == "latest" {
		number = len(s.versions)
	} else if number == 0 {
		number, _ = strconv.Atoi(asked)
	}
	if number < 1 || number > len(s.versions) {
		return nil, status.Errorf(codes.NotFound, "Secret Version [%s] not found.", req.GetName())
	}
	v := s.versions[number-1]
	if v.state != secretmanagerpb.SecretVersion_ENABLED {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s/versions/%d] is in %s state.", resource, number, v.state)
	}
	sum := int64(crc32.Checksum(v.data, crc32.MakeTable(crc32.Castagnoli)))
	if m.wrong {
		sum++
	}
	return &secretmanagerpb.AccessSecretVersionResponse{
		Name:    fmt.Sprintf("%s/versions/%d", resource, number),
		Payload: &secretmanagerpb.SecretPayload{Data: v.data, DataCrc32C: &sum},
	}, nil
}

// Denied returns the error for a permission that the identity does not have.
func Denied(permission, resource string) error {
	text := fmt.Sprintf("Permission '%s' denied for resource '%s' (or it may not exist).", permission, resource)
	return WithReason(codes.PermissionDenied, text, "IAM_PERMISSION_DENIED", map[string]string{"permission": permission, "resource": resource})
}

// WithReason returns an error with the details that Google's services send.
func WithReason(code codes.Code, text, reason string, facts map[string]string) error {
	said, err := status.New(code, text).WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: "googleapis.com", Metadata: facts})
	if err != nil {
		return err
	}
	return said.Err()
}
