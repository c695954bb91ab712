#!/bin/bash
set -euo pipefail

data=/var/lib/mysql

fail() {
    echo "docker-entrypoint.sh: $1" >&2
    exit 1
}

# The password of root, from MARIADB_ROOT_PASSWORD or the file that MARIADB_ROOT_PASSWORD_FILE names.
root_password() {
    local file=${MARIADB_ROOT_PASSWORD_FILE:-} password=${MARIADB_ROOT_PASSWORD:-}
    [[ -z $file || -z $password ]] ||
        fail 'MARIADB_ROOT_PASSWORD and MARIADB_ROOT_PASSWORD_FILE are both set: leave one out'
    [[ -z $file ]] || password=$(<"$file")
    [[ -n $password ]] ||
        fail 'no data yet and no password of root: set MARIADB_ROOT_PASSWORD_FILE'
    printf '%s' "${password//\'/\'\'}"
}

# Makes the data aside and moves it into place with the system's tables last: a first start that was
# interrupted anywhere leaves none and is begun anew, and data that has them is never touched.
first_start() {
    local password aside=$data/.first-start
    password=$(root_password)
    if [[ -d $aside ]]; then
        find "$data" -mindepth 1 -delete
    fi
    mkdir -p "$aside"
    mariadb-install-db --no-defaults --datadir="$aside" --skip-test-db --skip-name-resolve \
        --auth-root-authentication-method=normal --innodb-log-file-size=48M > /dev/null
    # Those that may come without a password go; root may come from anywhere, with one.
    mariadbd --no-defaults --bootstrap --datadir="$aside" --innodb-log-file-size=48M << SQL
FLUSH PRIVILEGES;
DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys') OR (User = 'root' AND Host <> 'localhost');
FLUSH PRIVILEGES;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$password';
CREATE USER 'root'@'${MARIADB_ROOT_HOST:-%}' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO 'root'@'${MARIADB_ROOT_HOST:-%}' WITH GRANT OPTION;
SQL
    find "$aside" -mindepth 1 -maxdepth 1 ! -name mysql -exec mv -t "$data" {} +
    sync --file-system "$data"
    mv "$aside/mysql" "$data"
    rmdir "$aside"
}

# Options alone are meant for the server.
if [[ ${1:-} == -* ]]; then
    set -- mariadbd "$@"
fi

if [[ ${1:-} == mariadbd ]]; then
    # Only a container that starts as root has to give up its rights itself.
    if [[ $(id -u) == 0 ]]; then
        chown -R mysql:mysql "$data" /run/mysqld
        exec setpriv --reuid=mysql --regid=mysql --clear-groups "$0" "$@"
    fi
    umask 0077
    if [[ ! -d $data/mysql ]]; then
        first_start
    elif [[ -d $data/.first-start ]]; then
        rmdir "$data/.first-start"
    fi
    unset "${!MARIADB_@}"
fi

exec "$@"
