// What the clients share: a binding's credentials, by standard input, and an end in time.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/** How long a client may take in all. */
const LIMIT_MS = 20_000;

export const credentials = JSON.parse(readFileSync(0, "utf8"));

const { key_prefix, topic_prefix, subject_prefix } = credentials;
const prefix = key_prefix ?? topic_prefix ?? subject_prefix ?? "";

let tried = "before it began";

/** Runs an app in each of several ways to connect, with a name that nobody else has. */
export async function inEachWay(ways, app) {
  for (const [way, options] of Object.entries(ways)) {
    tried = way;
    const name = `${prefix}node_${randomUUID().replaceAll("-", "")}`;
    await app(options, name).catch((cause) => {
      throw new Error(`it fails ${way}`, { cause });
    });
  }
}

/** A promise that a callback fulfils. */
export function promised() {
  let fulfil;
  const promise = new Promise((resolve) => {
    fulfil = resolve;
  });
  return { promise, fulfil };
}

// What waits in vain, or has left something open, does not end by itself.
const limit = setTimeout(() => {
  console.error(`it has not ended after ${LIMIT_MS} ms: ${tried}`);
  process.exit(1);
}, LIMIT_MS);
limit.unref();
