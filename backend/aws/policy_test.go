package aws

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

// resources returns the resources of a printed policy.
func resources(t *testing.T, conn store.SecretConn, names ...string) []string {
	t.Helper()
	p, err := conn.(store.PolicyWriter).Policy(t.Context(), names)
	require.NoError(t, err)
	require.Empty(t, p.LeftOut)
	var policy struct{ Statement []statement }
	require.NoError(t, json.Unmarshal([]byte(p.Text), &policy))
	require.Len(t, policy.Statement, 1)
	require.Equal(t, "Allow", policy.Statement[0].Effect)
	return policy.Statement[0].Resource
}

func TestPolicyHasTheAccountOfTheSecrets(t *testing.T) {
	const own = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	s := newService(t, http.StatusOK, `{"ARN":"`+own+`crm-AbCdEf","Name":"crm","SecretString":"x"}`)
	conn := connected(t, SecretsManager(), map[string]string{"endpoint": s.URL})
	const other = "arn:aws:secretsmanager:us-east-1:210987654321:secret:"
	require.Equal(t, []string{own + "crm-??????", own + "team/db-??????", other + "a-AbCdEf", other + "b-??????"},
		resources(t, conn, other+"a-AbCdEf", other+"b", "crm", "team/db"))
}

func TestPolicyOfUnknownSecretsHasAnyAccount(t *testing.T) {
	s := newService(t, http.StatusBadRequest, said("ResourceNotFoundException", "no"))
	conn := connected(t, SecretsManager(), map[string]string{"endpoint": s.URL})
	require.Equal(t, []string{"arn:aws:secretsmanager:eu-west-1:*:secret:crm-??????"}, resources(t, conn, "crm"))
}

func TestPolicyOfParametersHasThePrefix(t *testing.T) {
	const own = "arn:aws:ssm:eu-west-1:123456789012:parameter"
	s := newService(t, http.StatusOK, `{"Parameter":{"ARN":"`+own+`/team/crm","Name":"/team/crm","Value":"x"}}`)
	conn := connected(t, ParameterStore(), map[string]string{"endpoint": s.URL, "prefix": "/team/"})
	require.Equal(t, []string{own + "/team/crm", own + "/team/db"}, resources(t, conn, "crm", "db"))
}
