// etcd3: a watch, a transaction and a lease.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Etcd3 } from "etcd3";
import { credentials, inEachWay } from "./client.js";

const { uri, endpoints, username, password } = credentials;
const ways = {
  "by the URI": login(uri),
  "by the fields": { hosts: endpoints, auth: { username, password } },
};

/** The library takes addresses alone. */
function login(uri) {
  const { host, username, password } = new URL(uri);
  return { hosts: [`http://${host}`], auth: { username, password } };
}

await inEachWay(ways, async (options, key) => {
  const client = new Etcd3(options);
  await client.put(key).value("hello");
  assert.equal(await client.get(key).string(), "hello");
  const watcher = await client.watch().key(key).create();
  const change = once(watcher, "put");
  const swap = client.if(key, "Value", "==", "hello").then(client.put(key).value("swapped"));
  assert.equal((await swap.commit()).succeeded, true);
  const [{ value }] = await change;
  assert.equal(value.toString(), "swapped");
  const lease = client.lease(60);
  await lease.put(`${key}-leased`).value("kept");
  await lease.revoke();
  assert.equal(await client.get(`${key}-leased`).exists(), false);
  await watcher.cancel();
  await client.delete().key(key);
  client.close();
});
