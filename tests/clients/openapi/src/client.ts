// The client that openapi-typescript and openapi-fetch make of /openapi.json, and what the programs of this folder share.
// Values are compared and never printed.

import { setTimeout as pause } from "node:timers/promises";

import createClient from "openapi-fetch";

import type { components, paths } from "../build/schema.js";

export type Schemas = components["schemas"];

const url = process.env["ROTAKEY_URL"] ?? "";

// docs:begin openapi-fetch
const connect = (value: string) => createClient<paths>({ baseUrl: url, headers: { "X-API-Key": value } });
// docs:end

/** A client of the protected API, as its gateway forwards it. */
const connectAs = (userAgent: string, value: string) =>
  createClient<paths>({ baseUrl: url, headers: { "X-API-Key": value, "User-Agent": userAgent } });

const operator = connect(process.env["ROTAKEY_ADMIN"] ?? "");

export { connect, connectAs, operator };
export type Client = typeof operator;

/** The data of an answer that must be a good one. */
export function good<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${answer.response.url}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

/** The error of an answer that must be a refusal. */
export function refused<E>(answer: { error?: E; response: Response }): E {
  if (answer.error === undefined) throw new Error(`${answer.response.url} was not refused`);
  return answer.error;
}

/** The headers of the answer to a gateway that verifies the value of this client, which must be valid. */
export async function verified(client: Client, query: paths["/verify"]["get"]["parameters"]["query"] = {}): Promise<Headers> {
  const { error, response } = await client.GET("/verify", { params: { query } });
  if (error !== undefined) throw new Error(`/verify: ${JSON.stringify(error)}`);
  return response.headers;
}

/** Why the value of this client is refused. */
export const verdict = async (client: Client) => refused(await client.GET("/verify", {})).code;

/** The value in an answer that issues one, where it is always set. */
export function issued(token: { value?: string }): string {
  if (token.value === undefined) throw new Error("an answer without the value that it issues");
  return token.value;
}

/** The one item of a list that must have one. */
export function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) throw new Error(`${items.length} items instead of one`);
  return item;
}

/** What a request answers, once this holds of it. */
export async function until<T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} seconds: ${what}`);
    await pause(100);
  }
}

export const ok = (what: string) => console.log(`ok   openapi-typescript: ${what}`);
