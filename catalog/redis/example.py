"""Writes a key and reads it back. Needs: pip install redis"""

import json
import sys

import redis

with open(sys.argv[1]) as file:
    credentials = json.load(file)

tls = {}
if credentials["uri"].startswith("rediss:"):
    tls["ssl_ca_data"] = credentials["ca_certificate"]

client = redis.Redis.from_url(credentials["uri"], decode_responses=True, **tls)
key = credentials.get("key_prefix", "") + "example"
client.set(key, "hello", ex=60)
assert client.get(key) == "hello"
print("ok")
