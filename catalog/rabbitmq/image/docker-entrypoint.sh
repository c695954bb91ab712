#!/bin/sh
set -eu

# Only a container that starts as root has to give up its rights itself.
if [ "${1:-}" = rabbitmq-server ] && [ "$(id -u)" = 0 ]; then
    find /var/lib/rabbitmq ! -user rabbitmq -exec chown rabbitmq:rabbitmq {} +
    exec setpriv --reuid=rabbitmq --regid=rabbitmq --clear-groups "$0" "$@"
fi

# What apps publish is nobody else's to read.
umask 0077
exec "$@"
