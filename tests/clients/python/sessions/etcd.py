"""aetcd."""

import asyncio

import aetcd


class Session:
    def __init__(self, credentials):
        self.runner = asyncio.Runner()
        self.client = aetcd.Client(
            credentials["host"],
            credentials["port"],
            credentials["username"],
            credentials["password"],
            timeout=10,
        )
        self.runner.run(self.client.connect())

    def call(self, name, *arguments):
        return self.runner.run(self.logged_in(name, *arguments))

    async def logged_in(self, name, *arguments):
        try:
            return await getattr(self.client, name)(*arguments)
        except aetcd.exceptions.UnauthenticatedError:
            # A token ends some minutes after its last use, and with the server.
            await self.client.close()
            return await getattr(self.client, name)(*arguments)

    def write(self, name, value):
        self.call("put", name.encode(), value.encode())

    def read(self, name):
        return self.call("get", name.encode()).value.decode()
