#!/bin/bash
set -euo pipefail

fail() {
    echo "docker-entrypoint.sh: $1" >&2
    exit 1
}

# setting NAME DEFAULT: NAME becomes what it says, else what the file NAME_FILE says, else DEFAULT.
setting() {
    local file="$1_FILE"
    if [[ -n ${!1:-} && -n ${!file:-} ]]; then
        fail "$1 and $file are both set: leave one out"
    elif [[ -n ${!file:-} ]]; then
        printf -v "$1" '%s' "$(<"${!file}")"
    elif [[ -z ${!1:-} ]]; then
        printf -v "$1" '%s' "$2"
    fi
    unset "$file"
}

# Makes the database cluster aside and moves it into place with PG_VERSION last: a first start that
# was interrupted anywhere leaves no PG_VERSION and is begun anew, and a directory that has one, of
# whatever origin, is never touched.
first_start() {
    setting POSTGRES_PASSWORD ''
    setting POSTGRES_USER postgres
    setting POSTGRES_DB "$POSTGRES_USER"
    setting POSTGRES_INITDB_ARGS ''
    setting POSTGRES_HOST_AUTH_METHOD scram-sha-256
    [[ -n $POSTGRES_PASSWORD || $POSTGRES_HOST_AUTH_METHOD == trust ]] ||
        fail 'no data yet and no superuser password: set POSTGRES_PASSWORD_FILE'

    local aside="$PGDATA/.first-start"
    if [[ -d $aside ]]; then
        find "$PGDATA" -mindepth 1 -delete
    fi
    mkdir -p "$aside"
    # What it makes reaches the disk below, all at once. The arguments are split at spaces, as the
    # official image does.
    # shellcheck disable=SC2086
    initdb --no-sync --pgdata="$aside" --username="$POSTGRES_USER" --encoding=UTF8 \
        --auth-local=trust --auth-host=scram-sha-256 \
        ${POSTGRES_PASSWORD:+--pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")} $POSTGRES_INITDB_ARGS
    printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >> "$aside/pg_hba.conf"
    if [[ $POSTGRES_DB != postgres ]]; then
        postgres --single -j -D "$aside" postgres \
            <<< "CREATE DATABASE \"${POSTGRES_DB//\"/\"\"}\";" > /dev/null
    fi

    find "$aside" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    sync --file-system "$PGDATA"
    mv "$aside/PG_VERSION" "$PGDATA"
    rmdir "$aside"
}

# Options alone are meant for the server.
if [[ ${1:-} == -* ]]; then
    set -- postgres "$@"
fi

if [[ ${1:-} == postgres ]]; then
    # Only a container that starts as root has to give up its rights itself.
    if [[ $(id -u) == 0 ]]; then
        mkdir -p "$PGDATA"
        chown -R postgres:postgres "$PGDATA" /var/run/postgresql
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    umask 0077
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA" 2> /dev/null || true
    if [[ ! -s $PGDATA/PG_VERSION ]]; then
        first_start
    elif [[ -d $PGDATA/.first-start ]]; then
        rmdir "$PGDATA/.first-start"
    fi
    unset "${!POSTGRES_@}"
fi

exec "$@"
