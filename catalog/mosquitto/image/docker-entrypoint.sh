#!/bin/sh
# docker-entrypoint.sh CONFIG USER PASSWORD_FILE
set -eu
umask 0077
users=/mosquitto/data/dynsec.json

# The first user, once: from then on Mosquitto itself writes this file. A half-written one has
# another name.
if [ ! -e "$users" ]; then
    rm -f "$users.new"
    { cat "$3"; cat "$3"; } | mosquitto_ctrl dynsec init "$users.new" "$2" > /dev/null
    mv "$users.new" "$users"
fi
exec mosquitto -c "$1"
