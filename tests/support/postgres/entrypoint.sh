# Makes the database at the first start, then becomes the server.
set -eu
if [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password_file="${POSTGRES_PASSWORD_FILE:-/tmp/password}"
    if [ -z "${POSTGRES_PASSWORD_FILE:-}" ]; then
        (umask 077 && printf '%s' "$POSTGRES_PASSWORD" >"$password_file")
    fi
    initdb --username=postgres --pwfile="$password_file" --auth-host=scram-sha-256 >/dev/null
    printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
fi
exec "$@"
