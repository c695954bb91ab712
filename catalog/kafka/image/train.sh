#!/bin/sh
# Writes /opt/kafka/kafka.aot while the image is built.
set -eu
conf=/tmp/train
mkdir -p "$conf/data"
cp /opt/kafka/train.properties "$conf/server.properties"
printf 'cluster.id=0123456789abcdefAAAAAA\nuser=admin\npassword=train\n' > "$conf/first-start.properties"
export KAFKA_HEAP_MIB=512
KAFKA_AOT="-XX:AOTMode=record -XX:AOTConfiguration=$conf/aot" KAFKA_MAIN=Train docker-entrypoint.sh "$conf"
KAFKA_AOT="-XX:AOTMode=create -XX:AOTConfiguration=$conf/aot -XX:AOTCache=/opt/kafka/kafka.aot" docker-entrypoint.sh "$conf"
rm -r "$conf"
# The entry point lets nobody else read what it writes; the broker is another user.
chmod 644 /opt/kafka/kafka.aot
