package cli

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"credential-resolver/resolver/credential"
)

// variables returns a credential's fields as environment variables, NAME=value. Values are as in the
// flat format. Fields of "extra" become variables of their own. Errors name fields, and no value.
func variables(fields credential.Object, prefix string) ([]string, error) {
	var list, invalid, unsafe, binary []string
	of := map[string]string{} // the field of each variable
	for field, v := range environmentFields(fields) {
		name := prefix + variableName(field)
		text, err := v.AsText()
		other, taken := of[name]
		switch {
		case !validVariable.MatchString(name):
			invalid = append(invalid, field)
		case taken:
			return nil, fmt.Errorf("the fields %s and %s would both be the variable %s: rename one",
				credential.QuoteName(other), credential.QuoteName(field), name)
		case isLoaderVariable(name):
			unsafe = append(unsafe, field)
		case err != nil || strings.ContainsRune(text, 0):
			binary = append(binary, field)
		}
		of[name] = field
		list = append(list, name+"="+text)
	}
	switch {
	case len(invalid) > 0:
		return nil, fmt.Errorf("the name of %s cannot be the name of a variable: "+
			"variables have the characters A-Z, 0-9 and _, and do not begin with a digit", listed(invalid))
	case len(unsafe) > 0:
		return nil, fmt.Errorf("%s would be a variable that changes how programs are found, loaded or run: "+
			"use --prefix, such as --prefix CRED_", listed(unsafe))
	case len(binary) > 0:
		return nil, fmt.Errorf("the value of %s has a null byte or is not valid UTF-8, so it cannot be a variable", listed(binary))
	}
	return list, nil
}

// environmentFields yields the fields that become variables: all that are not null. In place of an object "extra",
// it yields the fields of it.
func environmentFields(fields credential.Object) iter.Seq2[string, credential.Value] {
	return func(yield func(string, credential.Value) bool) {
		for name, v := range fields.All() {
			extra, isObject := v.Object()
			if name != credential.FieldExtra || !isObject {
				if v.Kind() != credential.NullKind && !yield(name, v) {
					return
				}
				continue
			}
			for inner, v := range extra.All() {
				if v.Kind() != credential.NullKind && !yield(name+"."+inner, v) {
					return
				}
			}
		}
	}
}

var validVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variableName returns the name of a field in capitals, with "_" in place of "-" and ".". Only ASCII letters
// change, so that no other letter becomes one of them.
func variableName(field string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r == '-' || r == '.':
			return '_'
		}
		return r
	}, field)
}

// Variables by which whoever writes a config or a secret could make the command load or run other code, read other
// settings, or send its traffic elsewhere. No list is complete: hence --prefix.
var (
	loaderVariables = []string{
		// shells and the C library
		"PATH", "IFS", "ENV", "BASHOPTS", "SHELLOPTS", "PS1", "PS4", "PROMPT_COMMAND", "CDPATH", "GLOBIGNORE", "ZDOTDIR", "HOME",
		"SHELL", "PWD", "TMPDIR", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN",
		"RESOLV_HOST_CONF", "GETCONF_DIR", "TZDIR", "TERMINFO", "TERMINFO_DIRS", "TERMCAP",
		// programs that run others
		"EDITOR", "VISUAL", "PAGER", "MANPAGER", "BROWSER", "LESSOPEN", "LESSCLOSE", "SUDO_ASKPASS", "SSH_ASKPASS", "SSH_AUTH_SOCK",
		// languages
		"PERLLIB", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH", "CLASSPATH", "JAVA_HOME", "JAVA_OPTS",
		"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JDK_JAVAC_OPTIONS", "MAVEN_OPTS", "GRADLE_OPTS",
		"PHPRC", "PHP_INI_SCAN_DIR", "LUA_INIT", "LUA_PATH", "LUA_CPATH", "R_HOME", "GODEBUG", "GOFLAGS", "GOENV",
		"VIRTUAL_ENV", "CORECLR_PROFILER_PATH", "CORECLR_ENABLE_PROFILING",
		// TLS and proxies
		"SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "SSLKEYLOGFILE", "CURL_CA_BUNDLE",
		"REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY", "CURL_HOME",
	}
	loaderPrefixes = []string{"LD_", "DYLD_", "BASH_", "LUA_INIT_", "MALLOC_", "PYTHON", "PERL5", "GIT_", "DOTNET_", "NODE_EXTRA_", "NPM_CONFIG_", "XDG_", "LC_"}
)

func isLoaderVariable(name string) bool {
	name = strings.ToUpper(name) // some programs read http_proxy too
	return slices.Contains(loaderVariables, name) ||
		slices.ContainsFunc(loaderPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// withVariables returns an environment with variables set in it, in place of those of the same name.
func withVariables(environment, set []string) []string {
	names := map[string]bool{}
	for _, variable := range set {
		name, _, _ := strings.Cut(variable, "=")
		names[name] = true
	}
	kept := slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return names[name]
	})
	return append(kept, set...)
}
