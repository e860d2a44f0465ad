#!/bin/sh
# Runs a test on a host of its own, as far as the network goes: links, routes, ports and the packet filter of others do not
# get in its way, and its own go with it. The address is one for documentation, and leads nowhere.
exec unshare --net sh -c '
    ip link set lo up &&
    ip link add uplink type veth peer name nowhere &&
    ip link set nowhere up &&
    ip link set uplink up &&
    ip address add 198.51.100.1/24 dev uplink &&
    ip route add default dev uplink &&
    exec "$@"' own-network "$@"
