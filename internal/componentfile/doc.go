// Package componentfile reads the Component YAML that daprd reads, so that a
// command works on the same stores as the component: metadata values, references
// to secrets and to the environment, and daprd's placeholders.
package componentfile
