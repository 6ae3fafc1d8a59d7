// Package component implements the Dapr-facing side. It reads the component's metadata and
// the requests, calls package resolver, and encodes answers and errors (DESIGN.md, sections
// 2, 3 and 5). It reports its own events, and those of the packages below it, to each
// [Observer]. It knows nothing of sockets and processes: package pluggable handles them.
package component
