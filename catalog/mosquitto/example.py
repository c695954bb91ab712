"""Publishes a message and waits for it. Needs: pip install paho-mqtt

python3 example.py CREDENTIALS.json
"""

import json
import queue
import ssl
import sys

import paho.mqtt.client as mqtt

with open(sys.argv[1], encoding="utf-8") as file:
    credentials = json.load(file)

topic = credentials.get("topic_prefix", "") + "greetings"
messages = queue.Queue()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.username_pw_set(credentials["username"], credentials["password"])
if credentials["tls"]:
    client.tls_set_context(ssl.create_default_context(cadata=credentials["ca_certificate"]))
client.on_connect = lambda *_: client.subscribe(topic, qos=1)
client.on_subscribe = lambda *_: client.publish(topic, "hello", qos=1)
client.on_message = lambda _client, _data, message: messages.put(message.payload)
client.connect(credentials["host"], credentials["port"])
client.loop_start()

assert messages.get(timeout=10) == b"hello"
client.disconnect()
client.loop_stop()
print("ok")
