#!/bin/sh
# docker-entrypoint.sh OPTION...: keeps memcached running. Told to leave by SIGUSR1 it leaves its
# cache in the memory file, and is run anew with it: so connections are cut, which it does no other
# way, and nothing is lost.
set -eu
umask 0077
cd /run/memcached

# The first user is the broker.
[ -e /data/sasldb2 ] || sasl grant < /conf/admin.json

# What process 1 leaves behind ends with it.
trap 'exit 0' TERM
while :; do
    rm -f port
    MEMCACHED_PORT_FILENAME=port memcached --memory-file=items "$@" &
    echo $! > pid
    wait $!
    # A cache is taken up only in a later second than it was left in.
    second=$(date +%s)
    while [ "$(date +%s)" = "$second" ]; do sleep 0.02; done
done
