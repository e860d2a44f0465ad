#!/bin/sh
# Runs a test in a network of its own, with nothing but loopback: links, routes, ports and the packet filter of others
# do not get in its way, and its own go with it.
exec unshare --net sh -c 'ip link set lo up && exec "$@"' own-network "$@"
