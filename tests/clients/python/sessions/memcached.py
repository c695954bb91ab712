"""python-binary-memcached."""

import bmemcached


class Session:
    def __init__(self, credentials):
        self.client = bmemcached.Client(
            (credentials["servers"],),
            username=credentials["username"],
            password=credentials["password"],
            socket_timeout=10,
            raw_data=True,
        )
        if not any(self.client.stats().values()):
            raise ConnectionError("no answer")

    # A connection that was cut, as it is too when another app is unbound, is told by a call that
    # does nothing; the next one opens another.

    def write(self, name, value):
        data = value.encode()
        if not (self.client.set(name, data) or self.client.set(name, data)):
            raise ConnectionError("not written")

    def read(self, name):
        data = self.client.get(name) or self.client.get(name)
        if data is None:
            raise KeyError(name)
        return data.decode()
