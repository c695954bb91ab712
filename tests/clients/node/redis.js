// node-redis: keys that end, transactions, and publish and subscribe.

import assert from "node:assert/strict";
import { createClient } from "redis";
import { credentials, inEachWay, promised } from "./client.js";

const { uri, tls_uri, host, port, username, password, tls, ca_certificate: ca } = credentials;
const ways = {
  "by the URI": { url: uri, socket: { ca } },
  "by the fields": { socket: { host, port, tls, ca }, username, password },
};
if (tls_uri) ways["by the URI with TLS"] = { url: tls_uri, socket: { ca } };

await inEachWay(ways, async (options, key) => {
  const client = await connected(createClient({ ...options, disableOfflineQueue: true }));
  const subscriber = await connected(client.duplicate());
  await client.set(key, "hello", { expiration: { type: "EX", value: 60 } });
  assert.equal(await client.get(key), "hello");
  const list = `${key}-list`;
  const lengths = await client.multi().lPush(list, ["a", "b"]).lLen(list).exec();
  assert.deepEqual(lengths, [2, 2]);
  const message = promised();
  await subscriber.subscribe(key, message.fulfil);
  assert.equal(await client.publish(key, "it works"), 1);
  assert.equal(await message.promise, "it works");
  await client.del([key, list]);
  await subscriber.close();
  await client.close();
});

/** It would try again for ever. */
function connected(client) {
  client.on("error", (error) => {
    throw error;
  });
  return client.connect();
}
