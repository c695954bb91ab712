#!/bin/sh
set -eu

# Options alone are meant for the server.
case "${1:-}" in
    -*) set -- nats-server "$@" ;;
esac

exec "$@"
