// Finding tokens: metadata, every condition and every order, counts; and what a token may be besides active: suspended, or not yet valid.

import assert from "node:assert/strict";

import type { operations } from "../build/schema.js";
import { connect, good, issued, ok, operator, type Schemas, verdict, verified } from "./client.js";

type Query = NonNullable<operations["listAPITokens"]["parameters"]["query"]>;
type Condition = Exclude<keyof Query, "first" | "after" | "last" | "before" | "orderBy" | "include">;

const year = (number: number) => `${number}-01-01T00:00:00.000Z`;
const maker = good(
  await operator.POST("/api-tokens", {
    body: { name: "maker", permissions: ["API_TOKEN_READ", "API_TOKEN_MODIFY", "API_TOKEN_VERIFY"], scopes: ["read", "write"] },
  }),
);
const caller = connect(issued(maker));
const create = async (body: Schemas["CreateAPITokenInput"]) => good(await caller.POST("/api-tokens", { body }));
const lemon = await create({
  name: "lemon",
  owner: "citrus",
  description: "sour, and yellow",
  scopes: ["read"],
  permissions: ["API_TOKEN_VERIFY"],
  metadata: [{ key: "team", value: "Zürich" }, { key: "plan", value: "gold" }],
  expiresAt: year(2090),
  rotationPeriodMinutes: 120,
});
const melon = await create({ name: "melon", kind: "PUBLIC", allowedOrigins: ["https://*.example.com"], rotationPeriodMinutes: 60 });
const apple = await create({ cloneSettingsFrom: lemon.id, name: "apple", owner: "orchard", metadata: [], expiresAt: year(2080) });
const plum = await create({ name: "plum", notBefore: year(2070), scopes: ["write"] });
assert.deepEqual([melon.status, melon.expiresAt, plum.status, plum.notBefore], ["ACTIVE", null, "NOT_YET_VALID", year(2070)]);
assert.deepEqual([apple.rotationPeriodMinutes, apple.description, apple.metadata], [120, "sour, and yellow", []]);
// Apple's overlap runs, and melon is used.
const rotated = good(await caller.POST("/api-tokens/{id}/rotate", { params: { path: { id: apple.id } } }));
assert.equal(rotated.generation, 2);
const inputs: Schemas["VerifyAPITokenInput"][] = [
  { value: issued(melon), origin: "https://shop.example.com" },
  { value: issued(melon), origin: "https://evil.example" },
  { value: issued(plum) },
];
const { verifications } = good(await caller.POST("/api-tokens/verify", { body: { inputs } }));
assert.deepEqual(verifications.map((each) => each.code), ["VALID", "ORIGIN_REFUSED", "NOT_YET_VALID"]);

const names = async (query: Query) =>
  good(await operator.GET("/api-tokens", { params: { query: { ...query, createdBy: maker.id } } })).data.map((token) => token.name);
// The compiler refuses a table that leaves out a condition. The last use of a previous value is in brown_out.ts.
const finds: { [C in Exclude<Condition, "previousValueUsedWithinMinutes">]-?: [Required<Query>[C], string[]] } = {
  createdBy: [maker.id, ["lemon", "melon", "apple", "plum"]],
  status: [["NOT_YET_VALID", "REVOKED"], ["plum"]],
  name: ["LEM", ["lemon"]],
  text: ["yellow", ["lemon", "apple"]],
  owner: ["orchard", ["apple"]],
  kind: ["PUBLIC", ["melon"]],
  scope: ["write", ["plum"]],
  permission: ["API_TOKEN_VERIFY", ["lemon", "apple"]],
  metadata: [["team=Zürich", "plan=gold"], ["lemon"]],
  expiresAfter: [year(2085), ["lemon"]],
  expiresBefore: [year(2085), ["apple"]],
  rotateByBefore: [new Date(Date.now() + 90 * 60_000).toISOString(), ["melon"]],
  unusedSince: [new Date(Date.parse(plum.createdAt) + 1).toISOString(), ["lemon", "apple", "plum"]],
  overlapRunning: [true, ["apple"]],
};
for (const [condition, [value, expected]] of Object.entries(finds)) {
  assert.deepEqual(await names({ [condition]: value }), expected, condition);
}
ok("found tokens by every condition");

const orders: Record<Schemas["APITokenOrder"], string[]> = {
  createdAt: ["lemon", "melon", "apple", "plum"],
  "-createdAt": ["plum", "apple", "melon", "lemon"],
  name: ["apple", "lemon", "melon", "plum"],
  "-name": ["plum", "melon", "lemon", "apple"],
  expiresAt: ["apple", "lemon", "melon", "plum"],
  "-expiresAt": ["plum", "melon", "lemon", "apple"],
  rotateBy: ["melon", "lemon", "apple", "plum"],
  "-rotateBy": ["plum", "apple", "lemon", "melon"],
  lastUsedAt: ["lemon", "apple", "plum", "melon"],
  "-lastUsedAt": ["melon", "plum", "apple", "lemon"],
};
for (const [order, expected] of Object.entries(orders)) {
  const orderBy = order as Schemas["APITokenOrder"];
  assert.deepEqual(await names({ orderBy }), expected, order);
  assert.deepEqual(await names({ orderBy, first: 1 }), expected.slice(0, 1), order);
  assert.deepEqual(await names({ orderBy, last: 1 }), expected.slice(-1), order);
}
const query = { createdBy: maker.id, last: 2 };
const end = good(await operator.GET("/api-tokens", { params: { query } }));
const before = end.pageInfo.startCursor ?? "";
const rest = good(await operator.GET("/api-tokens", { params: { query: { ...query, before } } }));
assert.deepEqual([end, rest].map(({ data }) => data.map((token) => token.name)), [["apple", "plum"], ["lemon", "melon"]]);
assert.deepEqual([end.pageInfo.hasPreviousPage, rest.pageInfo.hasPreviousPage], [true, false]);
ok("listed tokens in every order, forwards and backwards");

const counts = good(await operator.GET("/token-counts", { params: { query: { owners: 100 } } }));
const total = (each: { count: number }[]) => each.reduce((sum, { count }) => sum + count, 0);
assert.deepEqual([total(counts.byStatus), total(counts.byKind)], [counts.total, counts.total]);
assert.equal(total(counts.byOwner) + counts.ofOtherOwners + counts.withoutOwner, counts.total);
assert.ok(Date.parse(counts.countedAt) <= Date.now() + 1000);
ok("counted tokens");

const params = { path: { id: lemon.id } };
const body = { reason: "the customer has not paid", evidenceURL: "https://tickets.example.com/4713" };
const suspended = good(await operator.POST("/api-tokens/{id}/suspend", { params, body }));
assert.ok(suspended.status === "SUSPENDED" && suspended.suspendedAt !== null);
assert.equal(await verdict(connect(issued(lemon))), "TOKEN_SUSPENDED");
const resumed = good(await operator.POST("/api-tokens/{id}/resume", { params }));
assert.deepEqual([resumed.status, resumed.suspendedAt], ["ACTIVE", null]);
await verified(connect(issued(lemon)));
ok("suspended and resumed a token");
