// node-redis with a binding's credentials, which are read from standard input.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createClient } from "redis";

const credentials = JSON.parse(readFileSync(0, "utf8"));
const clients = [
  { url: credentials.uri },
  {
    socket: { host: credentials.host, port: credentials.port },
    username: credentials.username,
    password: credentials.password,
  },
].map((options) => {
  const client = createClient({ ...options, disableOfflineQueue: true });
  client.on("error", (error) => {
    throw error;
  });
  return client;
});
for (const client of clients) await client.connect();
const [byUri, byField] = clients;
await byUri.set("node-redis", "hello", { expiration: { type: "EX", value: 60 } });
assert.equal(await byField.get("node-redis"), "hello");
const lengths = await byUri.multi().lPush("node-list", ["a", "b"]).lLen("node-list").exec();
assert.deepEqual(lengths, [2, 2]);
for (const client of clients) await client.close();
