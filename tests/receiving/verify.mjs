// Verifies messages, a line of JSON each, with every secret and public key that they should be signed with.

import { verifyAsync } from "@noble/ed25519";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body, keys } = JSON.parse(line);
  for (const { secret } of keys) new Webhook(secret).verify(body, headers);
  const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signatures = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"));
  for (const { publicKey } of keys) {
    const key = Buffer.from(publicKey.slice("whpk_".length), "base64");
    const results = await Promise.all(signatures.map((one) => verifyAsync(Buffer.from(one.slice(4), "base64"), signed, key)));
    if (!results.includes(true)) throw new Error("no signature of the Ed25519 key");
  }
  count += 1;
}
console.log(count);
