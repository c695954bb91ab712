"""redis-py with a binding's credentials, which are read from standard input."""

import json
import sys

import redis

credentials = json.load(sys.stdin)
by_uri = redis.Redis.from_url(credentials["uri"], socket_timeout=10, decode_responses=True)
by_field = redis.Redis(
    host=credentials["host"],
    port=credentials["port"],
    username=credentials["username"],
    password=credentials["password"],
    socket_timeout=10,
    decode_responses=True,
)
with by_uri.pipeline() as transaction:
    transaction.set("redis-py", "hello")
    transaction.expire("redis-py", 60)
    assert transaction.execute() == [True, True]
assert by_field.get("redis-py") == "hello"
subscription = by_field.pubsub(ignore_subscribe_messages=True)
subscription.subscribe("news")
subscription.get_message(timeout=5)
assert by_uri.publish("news", "it works") == 1
assert subscription.get_message(timeout=5)["data"] == "it works"
