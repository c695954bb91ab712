// KafkaJS: a topic, a producer and a consumer group.

import assert from "node:assert/strict";
import kafkajs from "kafkajs";
import { credentials, inEachWay, promised } from "./client.js";

const { uri, tls_uri, brokers, username, password } = credentials;
const mechanism = credentials.sasl_mechanism.toLowerCase();
const trusted = { ca: credentials.ca_certificate };
const ssl = credentials.security_protocol === "SASL_SSL" && trusted;
const ways = {
  "by the URI": { ...login(uri), ssl },
  "by the fields": { brokers, sasl: { mechanism, username, password }, ssl },
};
if (tls_uri) ways["by the URI with TLS"] = { ...login(tls_uri), ssl: trusted };

/** KafkaJS takes no URI. */
function login(uri) {
  const { host, username, password } = new URL(uri);
  return { brokers: [host], sasl: { mechanism, username, password } };
}

await inEachWay(ways, async (options, topic) => {
  const client = new kafkajs.Kafka({ ...options, clientId: topic });
  const admin = client.admin();
  const producer = client.producer();
  const consumer = client.consumer({ groupId: topic });
  for (const part of [admin, producer, consumer]) await part.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await producer.send({ topic, messages: [{ key: "greeting", value: "hello" }] });
  await consumer.subscribe({ topic, fromBeginning: true });
  const message = promised();
  await consumer.run({ eachMessage: async (payload) => message.fulfil(payload.message) });
  assert.equal((await message.promise).value.toString(), "hello");
  await consumer.disconnect();
  await admin.deleteGroups([topic]);
  await admin.deleteTopics({ topics: [topic] });
  await producer.disconnect();
  await admin.disconnect();
});
