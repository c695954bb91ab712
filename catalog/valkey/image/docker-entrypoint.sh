#!/bin/sh
set -eu

# An option or a configuration file alone is meant for the server.
case "${1:-}" in
    -* | *.conf) set -- valkey-server "$@" ;;
esac

# Only a container that starts as root has to give up its rights itself.
if [ "${1:-}" = valkey-server ] && [ "$(id -u)" = 0 ]; then
    chown -R valkey:valkey /data
    exec setpriv --reuid=valkey --regid=valkey --clear-groups "$0" "$@"
fi

# Dumps and access lists are nobody else's to read.
umask 0077
exec "$@"
