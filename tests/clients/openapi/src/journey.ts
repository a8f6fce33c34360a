// A token from its creation to its revocation, by the client that openapi-typescript and openapi-fetch make of /openapi.json.
// Ends with 1 at the first thing that is not as it must be. Values are never printed.

import assert from "node:assert/strict";

import { connect, good, issued, ok, operator, type Schemas } from "./client.js";

const input: Schemas["CreateAPITokenInput"] = {
  name: "openapi-typescript",
  owner: "acme",
  scopes: ["read"],
  permissions: ["API_TOKEN_VERIFY"],
  rotationPeriodMinutes: 60,
  metadata: [{ key: "team", value: "Zürich" }],
};
const created = good(await operator.POST("/api-tokens", { body: input }));
assert.equal(created.kind, "PRIVATE");
const id = created.id;
const old = issued(created);
assert.ok(old.startsWith("rk_"));

// docs:begin openapi-rotate
const rotated = await connect(old).POST("/api-tokens/{id}/rotate", {
  params: { path: { id: "self" }, header: { "Idempotency-Key": "2026-w48" } },
});
// docs:end
const value = issued(good(rotated));
assert.ok(value !== old && good(rotated).generation === 2);
assert.ok(rotated.response.headers.has("deprecation") === false || rotated.response.headers.has("sunset"));

const page = good(await operator.GET("/api-tokens", { params: { query: { first: 1, name: "openapi", status: ["ACTIVE"], metadata: ["team=Zürich"] } } }));
assert.deepEqual([page.data.map((token) => token.id), page.pageInfo.hasNextPage], [[id], false]);
const read = good(await connect(value).GET("/api-tokens/{id}", { params: { path: { id: "self" } } }));
assert.deepEqual([read.value, read.metadata], [undefined, input.metadata]);
const body = { description: "changed", onReuse: "REVOKE" as const };
const changed = good(await operator.POST("/api-tokens/{id}", { params: { path: { id } }, body }));
assert.deepEqual([changed.description, changed.onReuse], ["changed", "REVOKE"]);

const verified = await connect(value).GET("/verify", { params: { query: { scope: ["read"], metadata: true } } });
assert.equal(verified.response.headers.get("x-token-metadata"), '{"team":"Z\\u00fcrich"}');
assert.deepEqual([verified.response.status, verified.response.headers.get("x-token-owner")], [200, "acme"]);
const asked = await connect(value).POST("/introspect", {
  body: { token: value, rotakey_scope: "read" },
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
});
const told = good(asked);
assert.deepEqual([told.active, told.client_id, told.sub], [true, id, "acme"]);
assert.deepEqual(told.rotakey_metadata, { team: "Zürich" });

const inUse = await operator.POST("/api-tokens/{id}/end-overlap", { params: { path: { id } } });
assert.deepEqual([inUse.response.status, inUse.error?.code, inUse.error?.users?.[0]?.userAgent], [409, "STILL_IN_USE", "node"]);
const ended = good(await operator.POST("/api-tokens/{id}/end-overlap", { params: { path: { id } }, body: { force: true } }));
assert.equal(ended.values.length, 1);
const glean = good(await connect(value).POST("/rotatetoken", {}));
assert.equal(glean.rotationPeriodMinutes, 60);
const revoked = await operator.DELETE("/api-tokens/{id}", { params: { path: { id } } });
assert.equal(revoked.response.status, 204);
const refused = await connect(glean.rawSecret).GET("/api-tokens/{id}", { params: { path: { id } } });
assert.equal(refused.error?.code, "TOKEN_REVOKED");
const wrong = await operator.POST("/api-tokens", { body: { name: "" } });
assert.deepEqual([wrong.response.status, wrong.error?.code, wrong.error?.field], [400, "BAD_USER_INPUT", "name"]);
assert.equal(good(await operator.GET("/healthz", { parseAs: "text" })), "ok\n");
ok("created, rotated, listed, changed, verified, introspected, revoked");
