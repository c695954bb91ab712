"""Sends a message through RabbitMQ and takes it back. Needs: pip install pika"""

import json
import sys
import uuid

import pika

with open(sys.argv[1]) as file:
    credentials = json.load(file)

login = pika.URLParameters(credentials["uri"])
if credentials["uri"].startswith("amqps:"):
    import ssl

    context = ssl.create_default_context(cadata=credentials["ca_certificate"])
    login.ssl_options = pika.SSLOptions(context, credentials["host"])

connection = pika.BlockingConnection(login)
channel = connection.channel()
channel.confirm_delivery()

queue = "example-" + uuid.uuid4().hex
channel.queue_declare(queue, durable=True)
channel.basic_publish("", queue, b"hello", mandatory=True)
_, _, body = channel.basic_get(queue, auto_ack=True)
assert body == b"hello", body

channel.queue_delete(queue)
connection.close()
print("ok")
