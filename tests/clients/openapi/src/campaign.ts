// A campaign for the day of an incident, from its creation to its report. Its tokens are collected half a minute after its creation.

import assert from "node:assert/strict";

import { connect, good, issued, ok, operator, refused, type Schemas, until, verified } from "./client.js";

const metadata = [{ key: "incident", value: "openapi-typescript" }];
const create = async (name: string) => good(await operator.POST("/api-tokens", { body: { name, metadata } }));
const orders = await create("orders");
const invoices = await create("invoices");
const filter: Schemas["APITokenFilterInput"] = { metadata };

const campaign = good(
  await operator.POST("/rotation-campaigns", {
    body: {
      name: "incident",
      filter,
      deadline: new Date(Date.now() + 3_600_000).toISOString(),
      atDeadline: "REVOKE",
      reason: "a laptop was stolen",
      evidenceURL: "https://tickets.example.com/4714",
    },
  }),
);
const path = { id: campaign.id };
const progress = async () => good(await operator.GET("/rotation-campaigns/{id}", { params: { path } }));
const states = async (): Promise<Record<string, Schemas["RotationCampaignTokenState"]>> => {
  const { data } = good(await operator.GET("/rotation-campaigns/{id}/tokens", { params: { path } }));
  return Object.fromEntries(data.map((each) => [each.token?.name, each.state]));
};
const open = await until("an open campaign", progress, ({ status }) => status === "OPEN", 60);
assert.deepEqual([open.progress?.total, open.progress?.left, open.progress?.waiting], [2, 2, 2]);
assert.deepEqual(open.filter["metadata"], { incident: "openapi-typescript" });
assert.deepEqual(await states(), { orders: "WAITING", invoices: "WAITING" });

const holder = connect(issued(orders));
const self = { path: { id: "self" } };
const newest = connect(issued(good(await holder.POST("/api-tokens/{id}/rotate", { params: self }))));
assert.deepEqual(await states(), { orders: "ROTATED", invoices: "WAITING" });
const waiting = good(await operator.GET("/rotation-campaigns/{id}/tokens", { params: { path, query: { state: ["WAITING"] } } }));
assert.deepEqual(waiting.data.map((each) => [each.tokenId, each.oldGeneration, each.refusal]), [[invoices.id, 1, null]]);
await verified(newest);
assert.equal((await states())["orders"], "NEW_VALUE_IN_USE");
good(await newest.POST("/api-tokens/{id}/end-overlap", { params: self, body: { force: true } }));
assert.equal((await states())["orders"], "RETIRED");
ok("followed the tokens of a campaign");

const revoked = await operator.DELETE("/api-tokens/{id}", { params: { path: { id: invoices.id } } });
assert.equal(revoked.response.status, 204);
const report = await until("the report", progress, ({ endedAt }) => endedAt !== null);
assert.deepEqual([report.status, report.cancelled, report.progress?.total, report.progress?.left], ["COMPLETED", false, 2, 0]);
assert.deepEqual([report.progress?.retired, report.progress?.revoked], [1, 1]);
assert.deepEqual(await states(), { orders: "RETIRED", invoices: "REVOKED" });
ok("the report of a campaign leaves none out");

const second = good(
  await operator.POST("/rotation-campaigns", {
    body: { filter, deadline: new Date(Date.now() + 3_600_000).toISOString(), atDeadline: "NOTHING", reason: "a drill" },
  }),
);
const cancelled = good(
  await operator.POST("/rotation-campaigns/{id}/cancel", { params: { path: { id: second.id } }, body: { reason: "over" } }),
);
assert.ok(cancelled.cancelled && cancelled.name === null);
// Other programs create campaigns at the same time.
const page = good(await operator.GET("/rotation-campaigns", { params: { query: { first: 200 } } }));
const own = page.data.map((each) => each.id).filter((id) => [second.id, campaign.id].includes(id));
assert.deepEqual(own, [second.id, campaign.id]);
const missing = await operator.GET("/rotation-campaigns/{id}", { params: { path: { id: orders.id } } });
assert.deepEqual([missing.response.status, refused(missing).code], [404, "NOT_FOUND"]);
ok("cancelled a campaign");
