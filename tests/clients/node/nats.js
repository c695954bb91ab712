// nats.js: publish and subscribe, and a stream of JetStream.

import assert from "node:assert/strict";
import { connect } from "nats";
import { credentials, inEachWay } from "./client.js";

const { uri, tls_uri, host, port, servers, username: user, password: pass } = credentials;
// A host that is an address would not be verified.
const trusted = { ca: credentials.ca_certificate, host };
const tls = credentials.tls ? trusted : null;
const ways = {
  "by the URI": { ...login(uri), tls },
  "by the fields": { servers: `${host}:${port}`, user, pass, tls },
  "by the servers": { servers, user, pass, tls },
};
if (tls_uri) ways["by the URI with TLS"] = { ...login(tls_uri), tls: trusted };

/** The library leaves out who a URI names. */
function login(uri) {
  const { host, username: user, password: pass } = new URL(uri);
  return { servers: host, user, pass };
}

await inEachWay(ways, async (options, subject) => {
  const connection = await connect(options);
  const subscription = connection.subscribe(subject, { max: 1 });
  connection.publish(subject, "hello");
  for await (const message of subscription) assert.equal(message.string(), "hello");
  const name = subject.replaceAll(".", "_");
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name, subjects: [subject] });
  const stream = connection.jetstream();
  await stream.publish(subject, "kept");
  await manager.consumers.add(name, { durable_name: name, ack_policy: "explicit" });
  const consumer = await stream.consumers.get(name, name);
  const message = await consumer.next();
  assert.equal(message.string(), "kept");
  assert.equal(await message.ackAck(), true);
  await manager.streams.delete(name);
  await connection.close();
});
