"""paho-mqtt: a retained message for each name."""

import queue
import ssl

import paho.mqtt.client
import paho.mqtt.enums

WAIT_S = 10


class Session:
    def __init__(self, credentials):
        self.results = queue.Queue()
        self.messages = queue.Queue()
        self.cut = False
        self.client = paho.mqtt.client.Client(
            paho.mqtt.enums.CallbackAPIVersion.VERSION2,
            protocol=paho.mqtt.enums.MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self.client.username_pw_set(credentials["username"], credentials["password"])
        if credentials["tls"]:
            context = ssl.create_default_context(cadata=credentials["ca_certificate"])
            self.client.tls_set_context(context)
        self.client.on_connect = lambda *seen: self.results.put(seen[3])
        self.client.on_publish = lambda *seen: self.results.put(seen[3])
        self.client.on_subscribe = lambda *seen: self.results.put(seen[3][0])
        self.client.on_message = lambda _client, _data, message: self.messages.put(message)
        self.client.on_disconnect = self.disconnected
        self.client.connect(credentials["host"], credentials["port"])
        self.client.loop_start()
        self.done()

    def disconnected(self, _client, _data, _flags, reason, _properties):
        self.cut = True
        self.results.put(reason)

    def done(self):
        reason = self.results.get(timeout=WAIT_S)
        if self.cut or reason.is_failure:
            raise ConnectionError(str(reason))

    def write(self, name, value):
        self.client.publish(name, value, qos=1, retain=True)
        self.done()

    def read(self, name):
        self.client.subscribe(name, qos=1)
        self.done()
        value = self.messages.get(timeout=WAIT_S).payload.decode()
        self.client.unsubscribe(name)
        while True:
            try:
                value = self.messages.get(timeout=0.2).payload.decode()
            except queue.Empty:
                return value
