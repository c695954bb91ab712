// MQTT.js: a retained message of quality of service 1.

import assert from "node:assert/strict";
import { once } from "node:events";
import mqtt from "mqtt";
import { credentials, inEachWay } from "./client.js";

const { uri, tls_uri, host, port, username, password, tls, ca_certificate: ca } = credentials;
const ways = {
  "by the URI": { uri },
  "by the fields": { protocol: tls ? "mqtts" : "mqtt", host, port, username, password },
};
if (tls_uri) ways["by the URI with TLS"] = { uri: tls_uri };

await inEachWay(ways, async ({ uri, ...fields }, topic) => {
  const options = { ...fields, ca, protocolVersion: 5, reconnectPeriod: 0 };
  const client = await (uri ? mqtt.connectAsync(uri, options) : mqtt.connectAsync(options));
  const kept = { qos: 1, retain: true };
  await client.publishAsync(topic, "hello", kept);
  const received = once(client, "message");
  await client.subscribeAsync(topic, { qos: 1 });
  const [, payload, { qos, retain }] = await received;
  assert.equal(payload.toString(), "hello");
  assert.deepEqual({ qos, retain }, kept);
  await client.publishAsync(topic, "", kept);
  await client.endAsync();
});
