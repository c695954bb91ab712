"""redis-py."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Session:
    def __init__(self, credentials):
        tls = {}
        if credentials["uri"].startswith("rediss:"):
            tls["ssl_ca_data"] = credentials["ca_certificate"]
        # One connection that is not mended: its end is to be seen.
        self.client = redis.Redis.from_url(
            credentials["uri"],
            socket_timeout=10,
            decode_responses=True,
            single_connection_client=True,
            retry=Retry(NoBackoff(), 0),
            **tls,
        )
        self.client.ping()

    def write(self, name, value):
        self.client.set(name, value)

    def read(self, name):
        return self.client.get(name)
