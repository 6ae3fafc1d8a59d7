package azure

import "strings"

// The methods of contrib's Azure authentication.
const (
	bySecret          = "clientcredentials"
	byCertificate     = "clientcertificate"
	byWorkload        = "workloadidentity"
	byManagedIdentity = "managedidentity"
	byCLI             = "commandlineinterface"
	byNothing         = "none"
)

// methodNames returns the methods by all their names.
func methodNames() map[string]string {
	return map[string]string{
		bySecret: bySecret, "creds": bySecret,
		byCertificate: byCertificate, "cert": byCertificate,
		byWorkload: byWorkload, "wi": byWorkload,
		byManagedIdentity: byManagedIdentity, "mi": byManagedIdentity,
		byCLI: byCLI, "cli": byCLI,
		byNothing: byNothing,
	}
}

// method returns the method that a name means; "" for none that is supported.
func method(name string) (found string, spiffe bool) {
	return methodNames()[name], name == "spiffeworkloadidentity" || name == "spiffe"
}

// methods returns the names in azureAuthMethods.
func (s identitySettings) methods() []string {
	var names []string
	for name := range strings.SplitSeq(strings.ToLower(s.Methods), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
