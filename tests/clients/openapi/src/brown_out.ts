// Most of a minute in the life of a rotation with brown-outs: the previous value fails for moments during the last quarter of its overlap, so that a forgotten client
// notices while it still recovers. Until then, a listing finds the token by the use of that value.

import assert from "node:assert/strict";

import { connect, good, issued, ok, only, operator, refused, until, verified } from "./client.js";

const created = good(await operator.POST("/api-tokens", { body: { name: "browned out", overlapMinutes: 1 } }));
const first = issued(created);
const body = { brownOut: true };
const rotated = good(await connect(first).POST("/api-tokens/{id}/rotate", { params: { path: { id: "self" } }, body }));
const second = connect(issued(rotated));
await verified(second);
await verified(connect(first));

const token = good(await second.GET("/api-tokens/{id}", { params: { path: { id: "self" } } }));
const { brownOutsStartAt, retiresAt } = only(token.values.filter((value) => value.generation === 1));
assert.ok(brownOutsStartAt && retiresAt);
assert.equal(Date.parse(retiresAt) - Date.parse(brownOutsStartAt), 15_000);

const query = { previousValueUsedWithinMinutes: 5, name: "browned out" };
const list = async () => good(await operator.GET("/api-tokens", { params: { query } })).data.map((found) => found.id);
await until("found by the use of its previous value", list, (found) => found.includes(created.id), 60);
ok("found a token by the use of its previous value");

const browned = await until("a brown-out", () => connect(first).GET("/verify", {}), ({ response }) => response.status !== 200, 75);
assert.deepEqual([browned.response.status, refused(browned).code], [401, "BROWN_OUT"]);
assert.ok(Number(browned.response.headers.get("retry-after")) >= 1);
assert.ok(browned.response.headers.has("deprecation") && browned.response.headers.has("sunset"));
assert.ok(Date.now() >= Date.parse(brownOutsStartAt));
await until("an end of the brown-out", () => connect(first).GET("/verify", {}), ({ response }) => response.status === 200);
await verified(second);
ok("browned out the previous value, which then worked again");
