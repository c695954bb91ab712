"""psycopg2."""

import psycopg2


class Session:
    def __init__(self, credentials):
        self.connection = psycopg2.connect(credentials["uri"], connect_timeout=10)
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
