// Coming from elsewhere: keys of another system are imported by their hashes, verified, and rotated into values of Rotakey. One of them
// misses its rotation period, and is revived.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import { connect, good, issued, ok, only, operator, refused, type Schemas, until, verdict, verified } from "./client.js";

const key = () => `sk_live_${randomBytes(12).toString("hex")}`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

const billing = key();
const paused = key();
const due = key();
const tokens: Schemas["ImportAPITokenInput"][] = [
  {
    sha256: sha256(billing),
    format: "legacy",
    hint: billing.slice(-4),
    name: "billing",
    owner: "elsewhere",
    scopes: ["read", "write"],
    expiresAt: "2090-01-01T00:00:00Z",
    metadata: [{ key: "plan", value: "gold" }],
  },
  { sha256: Buffer.from(sha256(paused), "hex").toString("base64"), name: "paused", createdAt: ago(57), rotationPeriodMinutes: 1 },
  { sha256: sha256(due), name: "due", createdAt: ago(3300), rotationPeriodMinutes: 60 },
];
const wrong = { tokens: [...tokens, { sha256: "short", name: "wrong" }] };
const problem = refused(await operator.POST("/api-tokens/import", { body: wrong }));
assert.deepEqual([problem.code, problem.field], ["BAD_USER_INPUT", "sha256"]);
assert.match(problem.message, /^Item 4 of tokens: /);
assert.equal(await verdict(connect(billing)), "UNAUTHENTICATED");
const { imports } = good(await operator.POST("/api-tokens/import", { body: { tokens } }));
assert.deepEqual(imports.map((each) => each.isNew), [true, true, true]);
const repeated = good(await operator.POST("/api-tokens/import", { body: { tokens: tokens.slice(0, 1) } }));
assert.deepEqual(repeated.imports, [{ id: imports[0]?.id, isNew: false }]);
ok("imported keys of another system: all, or none");

const client = connect(billing);
const self = { path: { id: "self" } };
assert.equal((await verified(client, { scope: ["read", "write"] })).get("x-token-owner"), "elsewhere");
const token = good(await client.GET("/api-tokens/{id}", { params: self }));
assert.deepEqual([token.id, only(token.values).format, only(token.values).hint], [imports[0]?.id, "legacy", billing.slice(-4)]);
const rotated = good(await client.POST("/api-tokens/{id}/rotate", { params: self }));
assert.ok(issued(rotated).startsWith("rk_"));
assert.deepEqual(rotated.values.map((value) => value.format).sort(), ["legacy", null]);
await verified(connect(issued(rotated)));
ok("a key of another system was verified, and rotated into a value of Rotakey");

const rotateBy = (await verified(connect(due))).get("x-token-rotate-by");
assert.ok(rotateBy && Math.abs(Date.parse(rotateBy) - Date.now() - 300_000) < 60_000);
ok("a token that is due soon is told by when");

const { id } = only(imports.slice(1, 2));
const read = async () => good(await operator.GET("/api-tokens/{id}", { params: { path: { id } } }));
await until("the end of the rotation period", read, ({ status }) => status === "ROTATION_OVERDUE");
const late = refused(await connect(paused).POST("/api-tokens/{id}/rotate", { params: self }));
assert.equal(late.code, "ROTATION_OVERDUE");
const revived = good(
  await operator.POST("/api-tokens/{id}/revive", { params: { path: { id } }, body: { reason: "the job was paused over the holidays" } }),
);
assert.deepEqual([revived.id, revived.status, revived.generation], [id, "ACTIVE", 2]);
await verified(connect(issued(revived)));
assert.equal(await verdict(connect(paused)), "VALUE_RETIRED");
ok("revived a token that was not rotated in time");
