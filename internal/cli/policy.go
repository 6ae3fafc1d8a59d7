package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/componentfile"
	"credential-resolver/resolver"
)

// The targets that fit every secret store.
const (
	targetDapr    = "dapr"
	targetAllowed = "allowed-secrets"
)

// policyTargets are the targets of --for (DESIGN.md, section 8).
var policyTargets = []string{"vault", "aws", "azure", "gcp", "kubernetes", targetDapr, targetAllowed}

func newPolicy(o *options) *cobra.Command {
	var path, target, name string
	var literals bool
	cmd := &cobra.Command{
		Use:   "policy -c COMPONENT.yaml --for TARGET",
		Short: "Print the least privilege that all stored credentials need",
		Long: "Prints the least privilege that all stored credentials need, as it can be applied:\n\n" +
			"  vault            a policy of Vault or OpenBao\n" +
			"  aws              an IAM policy\n" +
			"  azure            a script with a role assignment for each secret\n" +
			"  gcp              commands of gcloud that grant a role for each secret\n" +
			"  kubernetes       a Role and a RoleBinding\n" +
			"  allowed-secrets  the value of allowedSecrets\n" +
			"  dapr             a Configuration of daprd that lets an application get these credentials\n\n" +
			"It has the names that configs state, the GUIDs of direct credentials, and looked-up values that name\n" +
			"a secret. For the last, the command asks the secret store, so it needs the right to read them. A\n" +
			"looked-up value that names no secret is not printed: it may be a password.\n\n" +
			"The exit status is 1 if not every credential can be resolved with this policy. Those are named on\n" +
			"stderr, and the policy for the others is printed.",
		Example: "  credential-resolver policy -c components/credentials.yaml --for vault\n" +
			"  credential-resolver policy -c components/credentials.yaml --for allowed-secrets",
		Args: exactly(0),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&target, "for", "", "what the policy is for: "+strings.Join(policyTargets, ", ")+" (required)")
	flagValues(cmd, "for", policyTargets...)
	cmd.Flags().StringVar(&name, "store", "", `the secret store, if the target fits several: a name from secretStores, or "secretStore"`)
	cmd.Flags().BoolVar(&literals, "literals", false, "also allow looked-up values that name no secret, and print them: they may be passwords")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !slices.Contains(policyTargets, target) {
			return usageError{fmt.Errorf("--for must be one of: %s", strings.Join(policyTargets, ", "))}
		}
		settings, err := loadSettings(path)
		if err != nil {
			return err
		}
		if target == targetDapr {
			return o.printScopes(cmd.Context(), path)
		}
		if name, err = storeFor(settings, target, name); err != nil {
			return err
		}
		if target == targetAllowed { // the list is to be made anew
			settings.AllowedSecrets, settings.AllowedIn = nil, nil
		}
		return o.withAnalysis(cmd.Context(), settings, []string{name}, func(ctx context.Context, r *resolver.Resolver, stores *component.Stores) error {
			return o.printPolicy(ctx, settings, r, stores, target, name, literals)
		})
	}
	return cmd
}

// storeFor returns the name of the secret store that a target is for. name is --store, or "".
func storeFor(settings component.Settings, target, name string) (string, error) {
	fits := func(name string) bool {
		spec, _ := specOf(settings, name)
		return target == targetAllowed || backend.PolicyTarget(spec.Type) == target
	}
	if name != "" {
		if err := checkStoreName(settings, name); err != nil {
			return "", err
		}
	}
	var fitting []string
	for _, candidate := range secretStoreNames(settings) {
		if fits(candidate) && (name == "" || candidate == name) {
			fitting = append(fitting, candidate)
		}
	}
	switch len(fitting) {
	case 1:
		return fitting[0], nil
	case 0:
		return "", usageError{fmt.Errorf("--for %s does not fit the Component's secret stores: use %s", target, strings.Join(targetsOf(settings, name), " or "))}
	default:
		return "", usageError{fmt.Errorf("several secret stores fit: choose one with --store: %s", strings.Join(fitting, ", "))}
	}
}

// targetsOf returns the targets that fit a store; name "" means any store.
func targetsOf(settings component.Settings, name string) []string {
	targets := []string{targetAllowed, targetDapr}
	for _, candidate := range secretStoreNames(settings) {
		spec, _ := specOf(settings, candidate)
		if of := backend.PolicyTarget(spec.Type); of != "" && (name == "" || candidate == name) {
			targets = append(targets, of)
		}
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

const literalsRemedy = "; for looked-up values that name no secret, set lookupFields, or deniedProbe: literal, or use --literals"

func (o *options) printPolicy(
	ctx context.Context, settings component.Settings, r *resolver.Resolver, stores *component.Stores, target, name string, literals bool,
) error {
	_, of := specOf(settings, name)
	broken := &incomplete{options: o}
	names, err := r.Grants(ctx, resolver.GrantOptions{Store: of, Literals: literals, Report: broken.add})
	if err != nil {
		return explained(err)
	}
	if len(names) == 0 {
		return fmt.Errorf("no credential needs a secret of %s, so there is nothing to allow", name)
	}
	var policy store.Policy
	if target == targetAllowed {
		policy.Text, policy.LeftOut = component.FormatGlobs(names)
		policy.Text += "\n"
	} else if policy, err = policyFrom(ctx, stores, of, names); err != nil {
		return explained(err)
	}
	for _, name := range policy.LeftOut {
		broken.add(fmt.Errorf("the secret %q cannot be allowed alone, because its name would be a pattern", name))
	}
	if _, err := fmt.Fprint(o.Out, policy.Text); err != nil {
		return err
	}
	return broken.err(literalsRemedy)
}

func policyFrom(ctx context.Context, stores *component.Stores, of string, names []string) (store.Policy, error) {
	secrets := stores.Secrets
	if of != "" {
		secrets = stores.Named[of]
	}
	writer, ok := secrets.(store.PolicyWriter)
	if !ok {
		return store.Policy{}, store.ErrNoPolicy
	}
	return writer.Policy(ctx, names)
}

// scopes is daprd's Configuration with scopes for secrets.
type scopes struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Secrets struct {
			Scopes []scope `json:"scopes"`
		} `json:"secrets"`
	} `json:"spec"`
}

type scope struct {
	StoreName      string   `json:"storeName"`
	DefaultAccess  string   `json:"defaultAccess"`
	AllowedSecrets []string `json:"allowedSecrets,omitempty"`
}

// printScopes prints a Configuration that lets an application get all credentials, and no
// secret of the store that daprd has by default in Kubernetes.
func (o *options) printScopes(ctx context.Context, path string) error {
	name, err := componentfile.Name(path)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("%s: the Component has no metadata.name, so no scope can name it", path)
	}
	return o.withAllConfigs(ctx, path, func(ctx context.Context, configs component.Configs) error {
		guids, err := configs.List(ctx)
		if err != nil {
			return explained(err)
		}
		if len(guids) == 0 {
			return errors.New("no credential is stored, so there is nothing to allow")
		}
		c := scopes{APIVersion: "dapr.io/v1alpha1", Kind: "Configuration"}
		c.Metadata.Name = name
		c.Spec.Secrets.Scopes = []scope{{name, "deny", guids}, {StoreName: "kubernetes", DefaultAccess: "deny"}}
		text, err := yaml.Marshal(c)
		if err != nil {
			return err
		}
		_, err = o.Out.Write(text)
		return err
	})
}
