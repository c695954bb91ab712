"""Makes a table, writes a row and reads it back. Needs: pip install psycopg2-binary"""

import json
import sys
import tempfile

import psycopg2

with open(sys.argv[1]) as file:
    credentials = json.load(file)

tls = {}
if "ca_certificate" in credentials:
    authority = tempfile.NamedTemporaryFile("w")
    authority.write(credentials["ca_certificate"])
    authority.flush()
    tls = {"sslmode": "verify-full", "sslrootcert": authority.name}

with psycopg2.connect(credentials["uri"], **tls) as connection:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS example (note text)")
        cursor.execute("INSERT INTO example VALUES (%s)", ("hello",))
        cursor.execute("SELECT note FROM example")
        assert cursor.fetchone() == ("hello",)
        cursor.execute("DROP TABLE example")
connection.close()
print("ok")
