// amqplib: a durable queue, with confirms from the broker and to it.

import assert from "node:assert/strict";
import amqp from "amqplib";
import { credentials, inEachWay, promised } from "./client.js";

const { uri, tls_uri, host: hostname, port, vhost, username, password, tls } = credentials;
const protocol = tls ? "amqps" : "amqp";
const ways = {
  "by the URI": uri,
  "by the fields": { protocol, hostname, port, vhost, username, password },
};
if (tls_uri) ways["by the URI with TLS"] = tls_uri;

await inEachWay(ways, async (url, queue) => {
  const connection = await amqp.connect(url, { ca: credentials.ca_certificate });
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true });
  channel.sendToQueue(queue, Buffer.from("hello"), { persistent: true });
  await channel.waitForConfirms();
  const delivery = promised();
  await channel.consume(queue, delivery.fulfil);
  const message = await delivery.promise;
  assert.equal(message.content.toString(), "hello");
  channel.ack(message);
  await channel.deleteQueue(queue);
  await connection.close();
});
