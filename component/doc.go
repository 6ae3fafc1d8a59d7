// Package component is the side that faces Dapr: it reads the component's
// metadata and the requests, asks package resolver, and encodes answers and
// errors (DESIGN.md, sections 2, 3 and 5). What happens in it, and in the packages below,
// is reported to each [Observer]. It knows nothing of sockets and
// processes, which are package pluggable's.
package component
