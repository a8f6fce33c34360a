// Webhooks, from their creation to their deletion, with a receiver that verifies what it gets.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { good, ok, only, operator, refused, until } from "./client.js";

interface Message {
  id: string;
  type: string;
  /** The token that it is about. */
  token: string | undefined;
  signatures: string[];
  /** The signature that it has with a secret. */
  signed(secret: string): string;
}

const messages: Message[] = [];
const receiver = createServer(async (request, response) => {
  const body = await text(request);
  const header = (name: string) => String(request.headers[name]);
  const { type, data } = JSON.parse(body) as { type: string; data: { token?: { id: string } } };
  const signed = (secret: string) =>
    `v1,${createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64"))
      .update(`${header("webhook-id")}.${header("webhook-timestamp")}.${body}`)
      .digest("base64")}`;
  messages.push({ id: header("webhook-id"), type, token: data.token?.id, signatures: header("webhook-signature").split(" "), signed });
  response.writeHead(204).end();
});
receiver.listen(0, "127.0.0.1");
await once(receiver, "listening");
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/rotakey`;

const { webhook, secret, publicKey } = good(
  await operator.POST("/webhooks", { body: { url, kinds: ["REVOKED"], owners: ["notices"], description: "the pager" } }),
);
assert.ok(secret.startsWith("whsec_") && publicKey.startsWith("whpk_"));
assert.deepEqual([webhook.url, webhook.kinds, webhook.owners, webhook.status], [url, ["REVOKED"], ["notices"], "ACTIVE"]);
assert.deepEqual([webhook.disabledBecause, webhook.previousSecretUntil, webhook.createdBy.kind], [null, null, "API_TOKEN"]);
const params = { path: { id: webhook.id } };
const change = { description: null, kinds: ["VALUE_REUSED" as const, "REVOKED" as const] };
const changed = good(await operator.POST("/webhooks/{id}", { params, body: change }));
assert.deepEqual([changed.description, changed.kinds], [null, ["VALUE_REUSED", "REVOKED"]]);
const page = good(await operator.GET("/webhooks", { params: { query: { first: 200 } } }));
assert.ok(page.data.some((each) => each.id === webhook.id));

/** The deliveries, newest first, once the receiver has accepted so many. */
const delivered = async (count: number) => {
  const list = async () => good(await operator.GET("/webhooks/{id}/deliveries", { params })).data;
  const accepted = (deliveries: Awaited<ReturnType<typeof list>>) => deliveries.filter(({ status }) => status === "DELIVERED");
  return until(`${count} notices delivered`, list, (deliveries) => accepted(deliveries).length === count);
};
const test = good(await operator.POST("/webhooks/{id}/test", { params }));
assert.deepEqual([test.kind, test.tokenId], ["TEST", null]);
const [delivery] = await delivered(1);
assert.deepEqual([delivery?.id, delivery?.attempts, delivery?.lastStatus, delivery?.nextAttemptAt], [test.id, 1, 204, null]);
const tested = only(messages);
assert.deepEqual([tested.id, tested.type], [test.noticeId, "webhook.test"]);
assert.ok(tested.signatures.includes(tested.signed(secret)));
ok("created a webhook, and tested it");

const rotated = good(await operator.POST("/webhooks/{id}/rotate-secret", { params, body: { overlapMinutes: 60 } }));
assert.ok(rotated.secret !== secret && rotated.webhook.previousSecretUntil !== null);
for (const owner of ["others", "notices"]) {
  const { id } = good(await operator.POST("/api-tokens", { body: { name: "leaked", owner } }));
  const query = { reason: "it leaked", evidenceURL: "https://tickets.example.com/4712" };
  const revoked = await operator.DELETE("/api-tokens/{id}", { params: { path: { id }, query } });
  assert.equal(revoked.response.status, 204);
  if (owner === "others") continue;
  const [notice] = await delivered(2);
  assert.deepEqual([notice?.kind, notice?.tokenId, messages.length], ["REVOKED", id, 2]);
  const told = only(messages.slice(1));
  assert.deepEqual([told.type, told.token, told.id], ["api_token.revoked", id, notice?.noticeId]);
  assert.deepEqual([secret, rotated.secret].map((each) => told.signatures.includes(told.signed(each))), [true, true]);
  const again = good(await operator.POST("/webhook-deliveries/{id}/resend", { params: { path: { id: notice?.id ?? "" } } }));
  assert.equal(again.noticeId, notice?.noticeId);
  await until("the notice again", async () => messages.length, (count) => count === 3);
  assert.equal(messages[2]?.id, told.id);
}
ok("told of a revocation, signed with the old and the new secret");

assert.equal(good(await operator.POST("/webhooks/{id}/enable", { params })).status, "ACTIVE");
assert.equal((await operator.DELETE("/webhooks/{id}", { params })).response.status, 204);
assert.equal(refused(await operator.GET("/webhooks/{id}", { params })).code, "NOT_FOUND");
receiver.close();
ok("deleted the webhook");
