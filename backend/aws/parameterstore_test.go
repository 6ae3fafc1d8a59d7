package aws

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestParameterIsReadBelowThePrefix(t *testing.T) {
	for name, test := range map[string]struct {
		prefix, name, version string
		want                  string
	}{
		"without a prefix":    {"", "db", "", "db"},
		"a path":              {"", "/team/db", "", "/team/db"},
		"with a prefix":       {"/team/app/", "db", "", "/team/app/db"},
		"a version":           {"/team/app/", "db", "3", "/team/app/db:3"},
		"a label":             {"", "db", "blue", "db:blue"},
		"its ARN":             {"", "arn:aws:ssm:eu-west-1:123456789012:parameter/db", "", "arn:aws:ssm:eu-west-1:123456789012:parameter/db"},
		"a prefix of letters": {"app-", "db", "", "app-db"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, 200, `{"Parameter":{"Name":"`+test.want+`","Type":"SecureString","Value":"pw"}}`)
			fields := map[string]string{"endpoint": s.URL, "prefix": test.prefix}
			conn := connected(t, ParameterStore(), fields)
			require.True(t, validParameterName(test.prefix, test.name))
			entries, err := conn.(store.Versioned).GetVersion(t.Context(), test.name, test.version)
			if test.version == "" {
				entries, err = conn.Get(t.Context(), test.name)
			}
			require.NoError(t, err)
			require.Equal(t, map[string]string{test.name: "pw"}, entries)
			require.Equal(t, map[string]any{"Name": test.want, "WithDecryption": true}, s.asked)
		})
	}
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func TestNamesOfParameterStore(t *testing.T) {
	for name, want := range map[string]bool{
		"db": true, "db.prod_1-a": true, "/db": true, "/a/b/c": true, "/" + strings.Repeat("a/", 14) + "b": true,
		"": false, "/": false, "a/b": false, "/a/": false, "/a//b": false, "a b": false, "a:1": false, "p$": false,
		"/" + strings.Repeat("a/", 15) + "b": false, strings.Repeat("x", 1012): false, "arn:aws:s3:::bucket": false,
	} {
		require.Equal(t, want, validParameterName("", name), name)
	}
	for name, want := range map[string]bool{
		"db": true, "a/b": true, "/db": false, "": false, "arn:aws:ssm:eu-west-1:123456789012:parameter/db": false,
	} {
		require.Equal(t, want, validParameterName("/team/", name), "with a prefix: %s", name)
	}
}

func TestVersionOfAParameterIsANumberOrALabel(t *testing.T) {
	for _, version := range []string{"1", "42", "blue", "v2", "_a.b-c"} {
		require.NoError(t, checkParameterVersion(version), version)
	}
	for _, version := range []string{"", "0", "-1x y", "01", "1a", "a:b", "é", strings.Repeat("x", 101)} {
		require.Equal(t, errParameterVersion, checkParameterVersion(version), version)
	}
}
