// Package check judges stored configs: which of them cannot be resolved, and what in the others is
// probably a mistake (DESIGN.md, section 8, check). It resolves each config with the resolver of
// the component. It knows neither flags nor terminals.
package check
