// MySQL2: prepared statements and transactions.

import assert from "node:assert/strict";
import mysql from "mysql2/promise";
import { credentials, inEachWay } from "./client.js";

const { uri, host, port, database, username: user, password, tls, jdbcUrl } = credentials;
const ssl = tls && { ca: credentials.ca_certificate, verifyIdentity: true };
const ways = {
  "by the URI": { uri, ssl },
  "by the fields": { host, port, database, user, password, ssl },
};
const optional = tls && !jdbcUrl.includes("sslMode=REQUIRED");
if (optional) ways["in the clear"] = { uri };

await inEachWay(ways, async (options, table) => {
  const connection = await mysql.createConnection(options);
  await connection.query(`CREATE TABLE ${table} (id int, note text)`);
  await connection.execute(`INSERT INTO ${table} VALUES (?, ?)`, [1, "hello"]);
  await connection.beginTransaction();
  await connection.query(`DELETE FROM ${table}`);
  await connection.rollback();
  const [rows] = await connection.execute(`SELECT note FROM ${table} WHERE id = ?`, [1]);
  assert.deepEqual(rows, [{ note: "hello" }]);
  await connection.query(`DROP TABLE ${table}`);
  await connection.end();
});
