"""Writes to the cache and reads it again. Needs: pip install python-binary-memcached

python3 example.py CREDENTIALS.json
"""

import json
import sys

import bmemcached

with open(sys.argv[1], encoding="utf-8") as file:
    credentials = json.load(file)

# Bytes as they are: what other apps left in the cache is never taken for a pickle.
cache = bmemcached.Client(
    (credentials["servers"],),
    username=credentials["username"],
    password=credentials["password"],
    socket_timeout=10,
    raw_data=True,
)
assert cache.set("greeting", b"hello", time=60)
assert cache.get("greeting") == b"hello"
cache.disconnect_all()
print("ok")
