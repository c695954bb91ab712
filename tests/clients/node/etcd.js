// etcd3: a watch, a transaction and a lease.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Etcd3 } from "etcd3";
import { credentials, inEachWay } from "./client.js";

const { uri, tls_uri, endpoints, username, password } = credentials;
const trusted = { rootCertificate: Buffer.from(credentials.ca_certificate ?? "") };
const ways = {
  "by the URI": login(uri),
  "by the fields": { hosts: endpoints, auth: { username, password } },
};
if (tls_uri) ways["by the URI with TLS"] = login(tls_uri);

/** The library takes addresses alone. */
function login(uri) {
  const { protocol, host, username, password } = new URL(uri);
  return { hosts: [`${protocol}//${host}`], auth: { username, password } };
}

await inEachWay(ways, async (options, key) => {
  const tls = options.hosts[0].startsWith("https:");
  const client = new Etcd3({ ...options, credentials: tls ? trusted : undefined });
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
