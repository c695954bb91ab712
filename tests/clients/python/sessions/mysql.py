"""PyMySQL."""

import ssl

import pymysql


class Session:
    def __init__(self, credentials):
        tls = None
        if "ca_certificate" in credentials:
            tls = ssl.create_default_context(cadata=credentials["ca_certificate"])
        self.connection = pymysql.connect(
            host=credentials["host"],
            port=credentials["port"],
            user=credentials["username"],
            password=credentials["password"],
            database=credentials["database"],
            connect_timeout=10,
            read_timeout=10,
            autocommit=True,
            ssl=tls,
        )

    def write(self, name, value):
        with self.connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} (value text)")
            cursor.execute(f"DELETE FROM {name}")
            cursor.execute(f"INSERT INTO {name} VALUES (%s)", (value,))

    def read(self, name):
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT value FROM {name}")
            return cursor.fetchone()[0]
