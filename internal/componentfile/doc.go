// Package componentfile reads the Component YAML that daprd reads, so that a command uses the
// same stores as the component. It handles metadata values, references to secrets and to the
// environment, and daprd's placeholders.
package componentfile
