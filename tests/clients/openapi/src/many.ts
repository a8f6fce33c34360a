// Many tokens at once: rotating and revoking all that match a filter, first without changing anything.

import assert from "node:assert/strict";

import { good, issued, ok, only, operator, type Schemas } from "./client.js";

const metadata = [{ key: "plan", value: "gold" }];
const create = async (name: string) => good(await operator.POST("/api-tokens", { body: { name, owner: "many", metadata } }));
const orders = await create("orders");
const invoices = await create("invoices");
const filter: Schemas["APITokenFilterInput"] = { owner: "many", metadata };

const rehearsed = good(await operator.POST("/api-tokens/rotate", { body: { filter, dryRun: true, first: 1 } }));
assert.deepEqual([only(rehearsed.data).token.id, only(rehearsed.data).refusal], [orders.id, null]);
assert.equal(only(rehearsed.data).token.value, undefined);
const after = rehearsed.pageInfo.endCursor;
assert.ok(rehearsed.pageInfo.hasNextPage && after);
const next = good(await operator.POST("/api-tokens/rotate", { body: { filter, dryRun: true, first: 1, after } }));
assert.deepEqual([only(next.data).token.id, next.pageInfo.hasNextPage], [invoices.id, false]);
const params = { header: { "Idempotency-Key": "2026-w48" } };
const body = { filter, dryRun: false, reason: "yearly rotation" };
const rotated = good(await operator.POST("/api-tokens/rotate", { params, body })).data;
const again = good(await operator.POST("/api-tokens/rotate", { params, body })).data;
assert.deepEqual(rotated.map((each) => [each.token.generation, each.refusal]), [[2, null], [2, null]]);
assert.ok(rotated.every((each, index) => issued(each.token) === again[index]?.token.value));
ok("rotated by a filter; the same key gave the same values");

const query = { owner: "many", metadata: ["plan=gold"], status: ["ACTIVE" as const], reason: "the customer has left" };
const named = good(await operator.DELETE("/api-tokens", { params: { query: { ...query, dryRun: true } } }));
assert.deepEqual(named.data.map((each) => [each.token.status, each.refusal]), [["ACTIVE", null], ["ACTIVE", null]]);
const kept = { params: { path: { id: invoices.id } }, body: { protected: true } };
good(await operator.POST("/api-tokens/{id}", kept));
const revoked = good(await operator.DELETE("/api-tokens", { params: { query: { ...query, dryRun: false } } }));
assert.deepEqual(revoked.data.map((each) => [each.token.status, each.refusal]), [["REVOKED", null], ["ACTIVE", "TOKEN_PROTECTED"]]);
assert.ok(revoked.data[1]?.message);
ok("revoked by a filter; what may not be revoked is named");
