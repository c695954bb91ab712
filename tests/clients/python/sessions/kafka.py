"""kafka-python: a topic of one partition for each name, whose last message counts."""

import logging
import ssl

import kafka
import kafka.admin

# What fails is told by exceptions.
logging.disable()
WAIT_MS = 15_000
REFUSED_MS = 8_000


class Session:
    def __init__(self, credentials):
        common = {
            "bootstrap_servers": credentials["bootstrap_servers"],
            "security_protocol": credentials["security_protocol"],
            "sasl_mechanism": credentials["sasl_mechanism"],
            "sasl_plain_username": credentials["username"],
            "sasl_plain_password": credentials["password"],
            "request_timeout_ms": WAIT_MS,
            # Who is refused is tried again until then.
            "bootstrap_timeout_ms": REFUSED_MS,
        }
        if "ca_certificate" in credentials:
            authority = ssl.create_default_context(cadata=credentials["ca_certificate"])
            common["ssl_context"] = authority
        self.producer = kafka.KafkaProducer(
            acks="all", retries=0, max_block_ms=WAIT_MS, **common
        )
        self.admin = kafka.KafkaAdminClient(**common)
        self.consumer = kafka.KafkaConsumer(enable_auto_commit=False, **common)

    def write(self, name, value):
        if name not in self.consumer.topics():
            topic = kafka.admin.NewTopic(name, num_partitions=1, replication_factor=1)
            self.admin.create_topics([topic])
        self.producer.send(name, value.encode()).get(timeout=WAIT_MS / 1000)

    def read(self, name):
        partition = kafka.TopicPartition(name, 0)
        self.consumer.assign([partition])
        end = self.consumer.end_offsets([partition])[partition]
        self.consumer.seek(partition, end - 1)
        polled = self.consumer.poll(timeout_ms=WAIT_MS)
        return polled[partition][-1].value.decode()
