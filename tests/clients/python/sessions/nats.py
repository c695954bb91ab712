"""nats-py: one stream, a subject of it for each name."""

import asyncio
import ssl

import nats

STREAM = "notes"
WAIT_S = 5


class Session:
    def __init__(self, credentials):
        self.loop = asyncio.new_event_loop()
        self.connection = self.run(self.connect(credentials))
        self.jetstream = self.connection.jetstream(timeout=WAIT_S)

    def run(self, work):
        return self.loop.run_until_complete(asyncio.wait_for(work, WAIT_S))

    async def connect(self, credentials):
        options = {"allow_reconnect": False, "connect_timeout": WAIT_S}
        if credentials["tls"]:
            options["tls"] = ssl.create_default_context(cadata=credentials["ca_certificate"])
        return await nats.connect(credentials["uri"], **options)

    def write(self, name, value):
        self.run(self.keep(f"{STREAM}.{name}", value.encode()))

    async def keep(self, subject, value):
        try:
            await self.jetstream.publish(subject, value)
        except nats.js.errors.NoStreamResponseError:
            await self.jetstream.add_stream(name=STREAM, subjects=[f"{STREAM}.>"])
            await self.jetstream.publish(subject, value)

    def read(self, name):
        message = self.run(self.jetstream.get_last_msg(STREAM, f"{STREAM}.{name}"))
        return message.data.decode()
