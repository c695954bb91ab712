"""psycopg2 with a binding's credentials, which are read from standard input."""

import json
import sys

import psycopg2

credentials = json.load(sys.stdin)
with psycopg2.connect(credentials["uri"], connect_timeout=10) as connection:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE psycopg2_notes (note text)")
        cursor.execute("INSERT INTO psycopg2_notes VALUES (%s)", ("hello",))
connection.close()
with psycopg2.connect(
    host=credentials["host"],
    port=credentials["port"],
    dbname=credentials["database"],
    user=credentials["username"],
    password=credentials["password"],
    sslmode=credentials["sslmode"],
    connect_timeout=10,
) as connection:
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM psycopg2_notes")
        assert cursor.fetchall() == [("hello",)]
