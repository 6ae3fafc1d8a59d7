package session

// MakeNetwork is a shell script that gives a new network namespace loopback, and an address that is
// reachable only from inside. daprd does not start if it finds only loopback.
const MakeNetwork = `ip link set lo up; ip link add eth0 type veth peer name eth1
ip addr add 192.0.2.2/24 dev eth0; ip link set eth1 up; ip link set eth0 up; ip route add default via 192.0.2.1
`
