# grant|revoke USER: a grant's entry comes by standard input.
set -eu
umask 0077
cd /data/nats/users
exec 9> lock
flock 9

case $1 in
    grant) cat > "$2.new" && mv "$2.new" "$2.user" ;;
    revoke) rm -f "$2.user" ;;
esac
# What the server reads is never half of it.
{
    echo 'users: ['
    find . -name '*.user' -exec cat {} \; -exec echo \;
    echo ']'
} > users.conf.new
mv users.conf.new users.conf
sync
