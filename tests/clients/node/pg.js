// pg with a binding's credentials, which are read from standard input.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import pg from "pg";

const credentials = JSON.parse(readFileSync(0, "utf8"));
const byUri = new pg.Client({ connectionString: credentials.uri });
await byUri.connect();
await byUri.query("CREATE TABLE node_notes (note text)");
await byUri.query("INSERT INTO node_notes VALUES ($1)", ["hello"]);
await byUri.end();

const byField = new pg.Pool({
  host: credentials.host,
  port: credentials.port,
  database: credentials.database,
  user: credentials.username,
  password: credentials.password,
});
const { rows } = await byField.query("SELECT note FROM node_notes");
assert.deepEqual(rows, [{ note: "hello" }]);
await byField.end();
