"""psycopg2."""

import contextlib
import tempfile

import psycopg2


@contextlib.contextmanager
def trusted(credentials):
    """What verifies the server, where it shows a certificate."""
    if "ca_certificate" not in credentials:
        yield {}
        return
    with tempfile.NamedTemporaryFile("w") as authority:
        authority.write(credentials["ca_certificate"])
        authority.flush()
        yield {"sslmode": "verify-full", "sslrootcert": authority.name}


class Session:
    def __init__(self, credentials):
        with trusted(credentials) as verified:
            self.connection = psycopg2.connect(credentials["uri"], connect_timeout=10, **verified)
        self.connection.autocommit = True

    def write(self, name, value):
        with self.connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} (value text)")
            cursor.execute(f"DELETE FROM {name}")
            cursor.execute(f"INSERT INTO {name} VALUES (%s)", (value,))

    def read(self, name):
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT value FROM {name}")
            return cursor.fetchone()[0]
