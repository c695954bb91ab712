"""Pika."""

import ssl

import pika


class Session:
    def __init__(self, credentials):
        parameters = pika.URLParameters(credentials["uri"])
        parameters.socket_timeout = 10
        parameters.blocked_connection_timeout = 10
        if credentials["uri"].startswith("amqps:"):
            context = ssl.create_default_context(cadata=credentials["ca_certificate"])
            parameters.ssl_options = pika.SSLOptions(context, credentials["host"])
        self.connection = pika.BlockingConnection(parameters)

    def write(self, name, value):
        # What is refused ends the channel that it was asked on.
        with self.connection.channel() as channel:
            channel.confirm_delivery()
            channel.queue_declare(name, durable=True)
            channel.queue_purge(name)
            persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
            channel.basic_publish("", name, value.encode(), persistent, mandatory=True)

    def read(self, name):
        with self.connection.channel() as channel:
            method, _, body = channel.basic_get(name)
            channel.basic_nack(method.delivery_tag, requeue=True)
            return body.decode()
