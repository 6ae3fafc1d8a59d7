package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
)

func TestFieldsBecomeVariables(t *testing.T) {
	tests := map[string]struct {
		json, prefix string
		want         []string
	}{
		"text, numbers and booleans": {`{"host":"db","port":5432.00,"tls":true}`, "", []string{"HOST=db", "PORT=5432.00", "TLS=true"}},
		"names with - and .":         {`{"key-id":"k","a.b":"c"}`, "", []string{"KEY_ID=k", "A_B=c"}},
		"null is left out":           {`{"a":null,"b":"","extra":{"c":null}}`, "", []string{"B="}},
		"extra, one level down":      {`{"extra":{"token":"t","more":{"x":1}}}`, "", []string{"EXTRA_TOKEN=t", `EXTRA_MORE={"x":1}`}},
		"extra that is no object":    {`{"extra":["a"]}`, "", []string{`EXTRA=["a"]`}},
		"objects as JSON":            {`{"ssl":{"verify":true}}`, "", []string{`SSL={"verify":true}`}},
		"values with = and newlines": {`{"cert":"a=b\nc"}`, "", []string{"CERT=a=b\nc"}},
		"a prefix, as it is":         {`{"path":"/x","1st":"y","":"z"}`, "db_", []string{"db_PATH=/x", "db_1ST=y", "db_=z"}},
		"names that programs share":  {`{"user":"u","username":"n","host":"h"}`, "", []string{"USER=u", "USERNAME=n", "HOST=h"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := variables(object(t, test.json), test.prefix)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestFieldsThatCannotBeVariables(t *testing.T) {
	tests := map[string]struct{ json, prefix, want string }{
		"two fields, one name":      {`{"a-b":"x","a.b":"x"}`, "", `the fields "a-b" and "a.b" would both be the variable A_B`},
		"two fields, other capital": {`{"Key":"x","key":"x"}`, "", `the fields "Key" and "key" would both be the variable KEY`},
		"a field and one of extra":  {`{"extra":{"b":"x"},"extra_b":"x"}`, "P_", `"extra.b" and "extra_b" would both be the variable P_EXTRA_B`},
		"a digit at its begin":      {`{"1st":"x","ok":"x"}`, "", `the name of "1st" cannot be the name of a variable`},
		"no name":                   {`{"":"x"}`, "", `the name of "" cannot be`},
		"letters that are no ASCII": {`{"ıd":"x","naïve":"x"}`, "A_", `the name of "ıd", "naïve" cannot be`},
		"an equals sign":            {`{"a=b":"x"}`, "", `the name of "a=b" cannot be`},
		"a space":                   {`{"a b":"x"}`, "", `the name of "a b" cannot be`},
		"a null byte":               {`{"a":"x\u0000y"}`, "", `the value of "a" has a null byte`},
		"the path of programs":      {`{"path":"x"}`, "", `"path" would be a variable that changes how programs are found`},
		"the loader":                {`{"ld-preload":"x","LD_AUDIT":"x"}`, "", `"ld-preload", "LD_AUDIT" would be a variable`},
		"the loader, by a prefix":   {`{"preload":"x"}`, "LD_", `"preload" would be a variable`},
		"a proxy, by a prefix":      {`{"proxy":"x"}`, "http_", `"proxy" would be a variable`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := variables(object(t, strings.ReplaceAll(test.json, `"x`, `"`+canary.Secret)), test.prefix)
			require.ErrorContains(t, err, test.want)
			assert.Nil(t, got)
			canary.AssertNone(t, err.Error())
		})
	}
}

func TestVariablesThatChangeHowProgramsRun(t *testing.T) {
	for _, name := range []string{
		"PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "PS4", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "GCONV_PATH",
		"PYTHONPATH", "PYTHONSTARTUP", "PERL5LIB", "PERL5OPT", "RUBYOPT", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "GIT_SSH_COMMAND", "EDITOR",
		"https_proxy", "SSL_CERT_FILE", "XDG_CONFIG_HOME",
	} {
		_, err := variables(credential.NewObject(credential.Field{Name: name, Value: credential.StringValue("x")}), "")
		require.ErrorContains(t, err, "use --prefix", name)
		got, err := variables(credential.NewObject(credential.Field{Name: name, Value: credential.StringValue("x")}), "CRED_")
		require.NoError(t, err, name)
		assert.Len(t, got, 1)
	}
}

func TestVariablesReplaceThoseOfTheSameName(t *testing.T) {
	before := []string{"USER=me", "HOST=here", "HOST=twice", "HOSTNAME=h"}
	assert.Equal(t, []string{"USER=me", "HOSTNAME=h", "HOST=db"}, withVariables(before, []string{"HOST=db"}))
	assert.Equal(t, []string{"USER=me", "HOST=here", "HOST=twice", "HOSTNAME=h"}, before)
}

func object(t *testing.T, text string) credential.Object {
	t.Helper()
	o, err := credential.ParseObject([]byte(text))
	require.NoError(t, err)
	return o
}
