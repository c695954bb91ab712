"""Makes a table, writes a row and reads it back. Needs: pip install pymysql"""

import json
import ssl
import sys

import pymysql

with open(sys.argv[1]) as file:
    credentials = json.load(file)

tls = None
if "ca_certificate" in credentials:
    tls = ssl.create_default_context(cadata=credentials["ca_certificate"])

connection = pymysql.connect(
    host=credentials["host"],
    port=credentials["port"],
    user=credentials["username"],
    password=credentials["password"],
    database=credentials["database"],
    ssl=tls,
)
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS example (note text)")
    cursor.execute("INSERT INTO example VALUES (%s)", ("hello",))
    cursor.execute("SELECT note FROM example")
    assert cursor.fetchone() == ("hello",)
    cursor.execute("DROP TABLE example")
connection.close()
print("ok")
