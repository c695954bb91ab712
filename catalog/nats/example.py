"""Keeps a message in a stream and reads it back. Needs: pip install nats-py

python3 example.py CREDENTIALS.json
"""

import asyncio
import json
import ssl
import sys
import uuid

import nats

with open(sys.argv[1], encoding="utf-8") as file:
    credentials = json.load(file)


async def main():
    options = {}
    if credentials["tls"]:
        options["tls"] = ssl.create_default_context(cadata=credentials["ca_certificate"])
    connection = await nats.connect(credentials["uri"], **options)
    stream = "example-" + uuid.uuid4().hex
    jetstream = connection.jetstream()
    await jetstream.add_stream(name=stream, subjects=[f"{stream}.>"])
    await jetstream.publish(f"{stream}.greetings", b"hello")
    message = await jetstream.get_last_msg(stream, f"{stream}.greetings")
    assert message.data == b"hello"
    await jetstream.delete_stream(stream)
    await connection.close()


asyncio.run(main())
print("ok")
