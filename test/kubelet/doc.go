// Package kubelet runs the pods of an API server as a node of a cluster does, with runc and
// without a container engine: the containers in the kubelet's order, each with the environment,
// user, mounts and PID namespace that its pod says; volumes; probes; restarts; and the end of a
// pod. It also forwards the addresses of Services, as kube-proxy does. It needs Linux and root.
//
// It knows only what pods in the tests use, and refuses the rest of a pod's volumes and
// environment. It applies no seccomp profile. A pod has its own loopback interface and no other.
package kubelet
