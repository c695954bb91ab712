#!/bin/sh
# Runs Kafka as process 1. Its settings are in files of the folder that is the argument; from the
# environment come only the size of the heap and, while the image is built, how to train.
set -eu
umask 077

heap=${KAFKA_HEAP_MIB:-256}
aot=${KAFKA_AOT:--XX:AOTCache=/opt/kafka/kafka.aot}

# malloc keeps memory apart for every thread, of which there are eighty.
export MALLOC_ARENA_MAX=2
# The serial collector and the quick compiler: a broker mostly copies, and starts in half the time.
# shellcheck disable=SC2086 # several options
exec /opt/jre/bin/java "-Xms$((heap / 4))m" "-Xmx${heap}m" \
  -XX:+UseSerialGC -XX:TieredStopAtLevel=1 $aot \
  -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0 -Djdk.nio.maxCachedBufferSize=65536 \
  -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData \
  -Dorg.xerial.snappy.lib.path=/opt/kafka/native -Dorg.xerial.snappy.lib.name=libsnappyjava.so \
  -DZstdNativePath=/opt/kafka/native/libzstd-jni.so \
  --sun-misc-unsafe-memory-access=allow -Djava.awt.headless=true \
  -Dlog4j2.configurationFile=/opt/kafka/log4j2.properties -Dlog4j2.disableJmx=true \
  -cp "$(cat /opt/kafka/classpath)" "${KAFKA_MAIN:-Launch}" "$@"
