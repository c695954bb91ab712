// node-postgres: prepared statements and transactions, on a pool of connections.

import assert from "node:assert/strict";
import pg from "pg";
import { credentials, inEachWay } from "./client.js";

const { uri, host, port, database, username: user, password, sslmode } = credentials;
const ssl = credentials.tls && { ca: credentials.ca_certificate };
const ways = {
  // Its `sslmode` would take the place of `ssl`.
  "by the URI": { connectionString: uri.split("?")[0], ssl },
  "by the fields": { host, port, database, user, password, ssl },
};
if (sslmode === "prefer") ways["in the clear"] = { connectionString: uri };

await inEachWay(ways, async (options, table) => {
  const pool = new pg.Pool(options);
  await pool.query(`CREATE TABLE ${table} (id int, note text)`);
  await pool.query(`INSERT INTO ${table} VALUES ($1, $2)`, [1, "hello"]);
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query(`DELETE FROM ${table}`);
  await client.query("ROLLBACK");
  const text = `SELECT note FROM ${table} WHERE id = $1`;
  const { rows } = await client.query({ name: "note", text, values: [1] });
  assert.deepEqual(rows, [{ note: "hello" }]);
  client.release();
  await pool.query(`DROP TABLE ${table}`);
  await pool.end();
});
