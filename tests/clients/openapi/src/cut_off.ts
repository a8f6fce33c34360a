// Who uses the old value, and what retires it: uses, the rehearsal, the refusal to cut off a value in use, and overlaps that end in silence.

import assert from "node:assert/strict";

import { connect, connectAs, good, issued, ok, only, operator, refused, type Schemas, verdict, verified } from "./client.js";

const body: Schemas["CreateAPITokenInput"] = {
  name: "orders",
  overlapMinutes: 60,
  overlapStarts: "FIRST_USE",
  overlapEnds: "WHEN_SILENT",
  silentMinutes: 2,
};
const created = good(await operator.POST("/api-tokens", { body }));
assert.deepEqual(
  [created.overlapMinutes, created.overlapStarts, created.overlapEnds, created.silentMinutes],
  [60, "FIRST_USE", "WHEN_SILENT", 2],
);
const path = { id: created.id };
const first = issued(created);
const second = issued(good(await connect(first).POST("/api-tokens/{id}/rotate", { params: { path: { id: "self" } } })));

// The new value is in use, and a forgotten job still sends the old one.
await verified(connectAs("checkout/2.0", second));
for (const job of ["nightly-report/1.4", "nightly-report/1.5"]) {
  const headers = await verified(connectAs(job, first));
  assert.match(headers.get("deprecation") ?? "", /^@\d+$/);
  assert.ok(Date.parse(headers.get("sunset") ?? "") > Date.now());
}
const used = good(await operator.GET("/api-tokens/{id}", { params: { path, query: { include: "use" } } }));
const previous = only(used.values.filter((value) => value.replacedAt !== null));
assert.deepEqual([previous.generation, used.values.length], [1, 2]);
assert.ok(previous.useCount !== undefined && previous.useCount >= 2);
assert.ok(previous.lastUsedAt && previous.retiresAt && previous.lastUsedAt < previous.retiresAt);
const job = only((previous.users ?? []).filter((user) => user.userAgent === "nightly-report"));
assert.deepEqual([job.address, job.count, previous.otherUserCount], ["127.0.0.0/24", 2, 0]);
const without = good(await operator.GET("/api-tokens/{id}", { params: { path } }));
assert.deepEqual(without.values.map((value) => value.users), [undefined, undefined]);
ok("saw who uses the old value");

const rehearsal = good(await operator.GET("/api-tokens/{id}/rehearse-retirement", { params: { path } }));
assert.deepEqual([rehearsal.generation, rehearsal.code, rehearsal.needsForce], [1, "VALUE_RETIRED", true]);
assert.ok(rehearsal.users.some((user) => user.userAgent === "nightly-report"));
assert.ok(rehearsal.silentAt !== null && Date.parse(rehearsal.silentAt) > Date.now());
// A rotation without an overlap would also retire the current value.
assert.deepEqual([rehearsal.rotation?.needsForce, rehearsal.rotation?.generationsInUse], [true, [1, 2]]);
const current = good(await operator.GET("/api-tokens/{id}/rehearse-retirement", { params: { path, query: { generation: 2 } } }));
assert.ok(current.users.some((user) => user.userAgent === "checkout"));
ok("rehearsed the retirement");

const early = refused(await operator.POST("/api-tokens/{id}/end-overlap", { params: { path } }));
assert.deepEqual([early.code, early.users?.some((user) => user.userAgent === "nightly-report")], ["STILL_IN_USE", true]);
assert.ok(early.lastUsedAt);
const withoutOverlap = { overlapMinutes: 0 };
const cut = await connect(second).POST("/api-tokens/{id}/rotate", { params: { path: { id: "self" } }, body: withoutOverlap });
assert.deepEqual([cut.response.status, refused(cut).code], [409, "STILL_IN_USE"]);
const ended = good(await operator.POST("/api-tokens/{id}/end-overlap", { params: { path }, body: { force: true } }));
assert.equal(only(ended.values).generation, 2);
assert.equal(await verdict(connect(first)), "VALUE_RETIRED");
const leaked = {
  ...withoutOverlap,
  force: true,
  reason: "the value was in a public repository",
  evidenceURL: "https://tickets.example.com/4711",
};
const third = good(await operator.POST("/api-tokens/{id}/rotate", { params: { path }, body: leaked }));
assert.deepEqual([third.generation, third.values.length, third.cancelledGeneration], [3, 1, null]);
assert.equal(await verdict(connect(second)), "VALUE_RETIRED");
ok("a value in use is retired by force only");

// The audit log says who did that and why, and what was refused before: newest first, also from its end.
const query = { tokenId: created.id, actions: ["API_TOKEN_ROTATED", "API_TOKEN_ROTATION_REFUSED"] satisfies Schemas["AuditAction"][] };
const log = good(await operator.GET("/audit-events", { params: { query } }));
const [rotated, denied, earlier] = log.data;
assert.deepEqual([rotated?.reason, rotated?.evidenceURL, rotated?.refusal], [leaked.reason, leaked.evidenceURL, null]);
assert.deepEqual([denied?.refusal, denied?.reason, denied?.actor], ["STILL_IN_USE", null, { kind: "API_TOKEN", id: created.id }]);
const oldest = good(await operator.GET("/audit-events", { params: { query: { ...query, last: 1 } } }));
assert.deepEqual(only(oldest.data), earlier);
const before = oldest.pageInfo.startCursor ?? "";
const newer = good(await operator.GET("/audit-events", { params: { query: { ...query, last: 2, before } } }));
assert.deepEqual(newer.data, [rotated, denied]);
ok("read in the audit log who cut it off and why");
