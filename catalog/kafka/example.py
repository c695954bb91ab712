"""Sends a message to Kafka and reads it back. Needs: pip install kafka-python"""

import json
import sys
import uuid

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

with open(sys.argv[1]) as file:
    credentials = json.load(file)

login = {
    "bootstrap_servers": credentials["bootstrap_servers"],
    "security_protocol": credentials["security_protocol"],
    "sasl_mechanism": credentials["sasl_mechanism"],
    "sasl_plain_username": credentials["username"],
    "sasl_plain_password": credentials["password"],
}
if "ca_certificate" in credentials:
    import ssl

    login["ssl_context"] = ssl.create_default_context(cadata=credentials["ca_certificate"])

topic = credentials.get("topic_prefix", "") + "example-" + uuid.uuid4().hex
admin = KafkaAdminClient(**login)
admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])

producer = KafkaProducer(**login)
producer.send(topic, b"hello").get(timeout=30)
producer.close()

consumer = KafkaConsumer(
    topic, group_id=topic, auto_offset_reset="earliest", consumer_timeout_ms=30000, **login
)
message = next(consumer)
assert message.value == b"hello", message
consumer.close()

admin.delete_topics([topic])
admin.close()
print("ok")
