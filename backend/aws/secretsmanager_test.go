package aws

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestSecretOfSecretsManagerIsItsText(t *testing.T) {
	for name, test := range map[string]struct {
		answer  string
		several string
		want    map[string]string
	}{
		"a text":                 {`{"Name":"db","SecretString":"pw"}`, "", map[string]string{"db": "pw"}},
		"a JSON object":          {`{"Name":"db","SecretString":"{\"u\":\"a\",\"n\":1.50}"}`, "", map[string]string{"db": `{"u":"a","n":1.50}`}},
		"its fields as entries":  {`{"Name":"db","SecretString":"{\"u\":\"a\",\"n\":1.50,\"o\":{\"x\":[1]}}"}`, "true", map[string]string{"u": "a", "n": "1.50", "o": `{"x":[1]}`}},
		"a text without fields":  {`{"Name":"db","SecretString":"pw"}`, "true", map[string]string{"db": "pw"}},
		"null has no fields":     {`{"Name":"db","SecretString":"null"}`, "true", map[string]string{"db": "null"}},
		"bytes are their base64": {`{"Name":"db","SecretBinary":"AP8="}`, "", map[string]string{"db": "AP8="}},
		"an empty text":          {`{"Name":"db","SecretString":""}`, "", map[string]string{"db": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, 200, test.answer)
			conn := connected(t, SecretsManager(), map[string]string{"endpoint": s.URL, "multipleKeyValuesPerSecret": test.several})
			entries, err := conn.Get(t.Context(), "db")
			require.NoError(t, err)
			require.Equal(t, test.want, entries)
			require.Equal(t, "secretsmanager.GetSecretValue", s.target)
			require.Equal(t, map[string]any{"SecretId": "db"}, s.asked)
		})
	}
}

func TestVersionOfSecretsManagerIsAnIDOrAStage(t *testing.T) {
	s := newService(t, 200, `{"Name":"db","SecretString":"pw"}`)
	conn := connected(t, SecretsManager(), map[string]string{"endpoint": s.URL}).(store.Versioned)
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	for version, want := range map[string]map[string]any{
		id:            {"SecretId": "db", "VersionId": id},
		"AWSPREVIOUS": {"SecretId": "db", "VersionStage": "AWSPREVIOUS"},
		"blue":        {"SecretId": "db", "VersionStage": "blue"},
	} {
		require.NoError(t, checkManagerVersion(version))
		_, err := conn.GetVersion(t.Context(), "db", version)
		require.NoError(t, err)
		require.Equal(t, want, s.asked)
	}
	for _, version := range []string{"", "a b", "é", strings.Repeat("x", 257)} {
		require.Equal(t, errManagerVersion, checkManagerVersion(version))
	}
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
func TestNamesOfSecretsManager(t *testing.T) {
	for _, name := range []string{
		"db", "team/db", "/team/db", "a_b+c=d.e@f-g", strings.Repeat("x", 512),
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-a1B2c3", "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:db-a1B2c3",
	} {
		require.True(t, validManagerName(name), name)
	}
	for _, name := range []string{
		"", "a b", "a:b", "db.example.com:5432", "p$ssw0rd", "é", "a\nb", strings.Repeat("x", 513),
		"arn:aws:s3:::bucket", "arn:aws:ssm:eu-west-1:123456789012:parameter/db",
	} {
		require.False(t, validManagerName(name), name)
	}
}

func TestFieldsAreDeclared(t *testing.T) {
	for _, name := range []string{"region", "accessKey", "secretKey", "sessionToken", "assumeRoleArn", "assumeRoleExternalID", "endpoint"} {
		require.Contains(t, SecretsManager().Fields, name)
		require.Contains(t, ParameterStore().Fields, name)
	}
	require.Contains(t, SecretsManager().Fields, "multipleKeyValuesPerSecret")
	require.Contains(t, ParameterStore().Fields, "prefix")
	require.NotContains(t, SecretsManager().Fields, "Common")
	_, fields, err := store.Lookup(store.Spec{Label: "secretStore", Type: "s", Fields: map[string]string{"awsRegion": "eu-west-1"}},
		map[string]store.Type[store.SecretConn]{"s": SecretsManager()})
	require.NoError(t, err, "an alias")
	require.Equal(t, "eu-west-1", fields["region"])
}
