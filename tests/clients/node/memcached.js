// MemJS: values that end, values that are added once, and counters.

import assert from "node:assert/strict";
import memjs from "memjs";
import { credentials, inEachWay } from "./client.js";

const { uri, host, port, servers, username, password } = credentials;
const ways = {
  // It knows no scheme.
  "by the URI": [uri.split("://")[1]],
  "by the fields": [`${host}:${port}`, { username, password }],
  "by the servers": [servers, { username, password }],
};

await inEachWay(ways, async (options, key) => {
  const client = memjs.Client.create(...options);
  await client.set(key, "hello", { expires: 60 });
  const { value } = await client.get(key);
  assert.equal(value.toString(), "hello");
  assert.equal(await client.add(key, "late", {}), false);
  const counter = `${key}-counter`;
  await client.increment(counter, 1, { initial: 1, expires: 60 });
  const counted = await client.increment(counter, 2, {});
  assert.equal(counted.value, 3);
  for (const made of [key, counter]) assert.equal(await client.delete(made), true);
  client.close();
});
