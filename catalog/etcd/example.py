"""Writes a key and reads it back. Needs: pip install aetcd"""

import asyncio
import json
import sys

import aetcd

with open(sys.argv[1]) as file:
    credentials = json.load(file)


async def main():
    login = [credentials[name] for name in ("host", "port", "username", "password")]
    # The login goes for five minutes after each use. What runs for longer logs in anew where it is
    # told aetcd.exceptions.UnauthenticatedError: by `await client.close()`, and calling again.
    async with aetcd.Client(*login, timeout=10) as client:
        key = (credentials.get("key_prefix", "") + "example").encode()
        await client.put(key, b"hello")
        result = await client.get(key)
        assert result.value == b"hello"


asyncio.run(main())
print("ok")
