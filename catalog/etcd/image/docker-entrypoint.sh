#!/bin/bash
# docker-entrypoint.sh CONFIG_FOLDER USER: etcd, and HAProxy before it. The end of one ends both.
set -eu
umask 0077
trap 'exit 0' INT TERM
trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT

admin() {
    jq --raw-input --arg user "$user" '{admin: {user: $user, password: .}}' "$folder/password" \
        | etcd-admin "$1"
}

# Waits a little, unless etcd has ended.
wait_for_etcd() {
    kill -0 "$etcd" 2> /dev/null
    sleep 0.02
}

folder=$1 user=$2

etcd --config-file "$folder/etcd.yaml" &
etcd=$!
# Apps come in once nobody gets through without a password, at the first start too.
until curl --silent --max-time 5 --output /dev/null http://127.0.0.1:2378/version; do wait_for_etcd; done
until admin init; do wait_for_etcd; done
haproxy -db -f "$folder/haproxy.cfg" &
# Nobody but the broker's user may make room where there is none.
while sleep 10; do
    case $(curl --silent --max-time 5 http://127.0.0.1:2378/health) in
        *NOSPACE*) admin tidy || true ;;
    esac
done &
wait -n
exit 1
