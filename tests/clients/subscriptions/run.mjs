// Holds the subscription of the real binary against the reference clients of both protocols, graphql-ws and graphql-sse, against
// EventSource and urql, and against clients that do not read. Prints a line a check; ends with 1 if one fails. The binary is the
// first argument, and a Python that has gql the second.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Client as UrqlClient, fetchExchange } from "@urql/core";
import { EventSource } from "eventsource";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { pipe, subscribe } from "wonka";
import WebSocket from "ws";

const SUBSCRIPTION = "subscription ($filter: AuditEventFilter) { auditEvents(filter: $filter) { action tokenId } }";
/** How many subscribers do not read, and how many events they do not read. */
const SLOW = 8;
const EVENTS = 1500;
/** What the server may grow by meanwhile. Kept for all of the slow ones, the events would be ten times that. */
const MAX_GROWTH_KIB = 48 * 1024;

let failures = 0;
const check = (name, good, detail = "") => {
  console.log(`${good ? "ok  " : "FAIL"} ${name}${good ? "" : `\n     ${detail}`}`);
  failures += good ? 0 : 1;
};

const folder = mkdtempSync(join(tmpdir(), "rotakey-"));
const flags = ["serve", "--listen", "127.0.0.1:0", "--database-url", `sqlite://${folder}/rotakey.db`, "--log", "error"];
// What the slow readers ask for is no honest use.
flags.push("--graphql-max-field-aliases", "250");
const server = spawn(process.argv[2], flags, { stdio: ["ignore", "pipe", "pipe"] });
let panicked = false;
server.stderr.on("data", (text) => {
  process.stderr.write(text);
  panicked ||= text.includes("panicked");
});
const ended = new Promise((resolve) => server.once("exit", resolve));
// What waits for ever must fail.
setTimeout(() => {
  console.log("FAIL not done within ten minutes");
  server.kill("SIGKILL");
  process.exit(1);
}, 600_000).unref();
let url, admin;
for await (const line of createInterface({ input: server.stdout })) {
  url ??= /listening on (\S+)/.exec(line)?.[1];
  admin ??= /^ {2}export TOKEN=(rk_\S+)$/.exec(line)?.[1];
  if (url && admin) break;
}

async function ask(value, query, variables = {}, headers = {}) {
  const all = { "Content-Type": "application/json", "X-API-Key": value, ...headers };
  const answer = await fetch(`${url}/graphql`, { method: "POST", headers: all, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

async function create(name, permissions) {
  const query = "mutation ($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id value } } }";
  return (await ask(admin, query, { input: { name, permissions } })).createAPIToken.token;
}

const rotate = (id) => ask(admin, "mutation ($id: ID!) { rotateAPIToken(input: { id: $id }) { token { id } } }", { id });
const revoke = (id) => ask(admin, "mutation ($id: ID!) { revokeAPIToken(input: { id: $id }) { token { id } } }", { id });

/** The published clients, by what they are called: each subscribes with a value, and gives up rather than try again. */
const clients = {
  "graphql-ws": (value) =>
    createWsClient({
      url: url.replace("http", "ws") + "/graphql",
      webSocketImpl: WebSocket,
      connectionParams: { "X-API-Key": value },
      retryAttempts: 0,
    }),
  "graphql-sse": (value) => createSseClient({ url: `${url}/graphql`, headers: { "X-API-Key": value }, retryAttempts: 0 }),
};

async function tryClient(name, clientOf) {
  const reader = await create(name, ["AUDIT_LOG_READ"]);
  const client = clientOf(reader.value);
  const results = client.iterate({ query: SUBSCRIPTION, variables: { filter: { actions: ["API_TOKEN_ROTATED"] } } });

  // Neither protocol tells that a subscription has begun; so tokens are rotated until one is seen.
  const rotated = new Set();
  const first = results.next();
  let seen;
  first.then((result) => (seen = result), () => (seen = {}));
  while (seen === undefined) {
    const { id } = await create("rotated", []);
    rotated.add(id);
    await rotate(id);
  }
  const event = seen.value?.data?.auditEvents;
  check(`${name}: a rotation is seen`, event?.action === "API_TOKEN_ROTATED" && rotated.has(event.tokenId), JSON.stringify(seen));

  await revoke(reader.id);
  let last;
  for await (const result of results) last = result;
  const code = last?.errors?.[0]?.extensions?.code;
  check(`${name}: it ends with the reason when the token is revoked`, code === "TOKEN_REVOKED", JSON.stringify(last));

  const refused = await clientOf(reader.value).iterate({ query: SUBSCRIPTION }).next().catch((err) => err);
  const reason = refused.code ?? refused.response?.status;
  check(`${name}: a value that does not work is refused`, [4401, 401].includes(reason), String(refused));

  const other = clientOf(admin);
  const { value } = await other.iterate({ query: "{ currentAPIToken { name } }" }).next();
  check(`${name}: a query is answered too`, value?.data?.currentAPIToken?.name === "admin", JSON.stringify(value));
  client.dispose();
  other.dispose();
}

/** EventSource knows nothing of GraphQL: it connects again, and so runs the operation again, unless it gets `complete`. */
async function tryEventSource() {
  let requests = 0;
  const source = (query) =>
    new EventSource(`${url}/graphql?query=${encodeURIComponent(query)}`, {
      fetch: (input, init) => {
        requests += 1;
        return fetch(input, { ...init, headers: { ...init.headers, "X-API-Key": admin } });
      },
    });
  const received = await new Promise((resolve) => {
    const events = [];
    const stream = source("{ currentAPIToken { name } }");
    const end = (event) => {
      stream.close();
      resolve([...events, event.type]);
    };
    stream.addEventListener("next", (event) => events.push(JSON.parse(event.data).data.currentAPIToken.name));
    stream.addEventListener("complete", end);
    stream.addEventListener("error", end);
  });
  check("eventsource: gets the answer and its completion", received.join() === "admin,complete", received.join());
  check("eventsource: asks once", requests === 1, `${requests} requests`);
}

/** urql names every media type that it reads, the stream of events among them. */
async function tryUrql() {
  const types = [];
  const client = new UrqlClient({
    url: `${url}/graphql`,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    fetchSubscriptions: true,
    fetchOptions: { headers: { "X-API-Key": admin } },
    fetch: async (...request) => {
      const answer = await fetch(...request);
      types.push(answer.headers.get("content-type").split(";")[0]);
      return answer;
    },
  });
  const { data, error } = await client.query("{ currentAPIToken { name } }", {}).toPromise();
  check("urql: a query is answered", data?.currentAPIToken?.name === "admin", String(error));
  const rotated = await client.mutation("mutation { createAPIToken(input: { name: \"urql\" }) { token { id } } }", {}).toPromise();
  check("urql: a mutation is answered", rotated.data?.createAPIToken?.token?.id, String(rotated.error));
  check("urql: both as JSON", types.join() === Array(2).fill("application/graphql-response+json").join(), types.join());

  let event;
  // It goes on to the end: urql rejects a promise that no code holds when it is stopped.
  pipe(client.subscription(SUBSCRIPTION, {}), subscribe((result) => (event ??= result)));
  for (let created = 0; event === undefined && created < 1_000; created++) await create("seen", []);
  check("urql: a subscription is a stream", event?.data?.auditEvents?.action === "API_TOKEN_CREATED", String(event?.error));
}

/** A subscriber of bare TCP that asks for much and reads nothing until it is resumed. */
function slowReader(query) {
  const body = JSON.stringify({ query });
  const socket = connect(new URL(url).port, "127.0.0.1");
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${admin}\r\nAccept: text/event-stream\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return new Promise((begun, failed) => {
    socket.once("error", failed);
    // The head of the answer says that the subscription has begun.
    socket.once("data", () => begun(socket.pause()));
  });
}

/** As [slowReader], over a WebSocket. */
async function slowSocket(query) {
  const socket = new WebSocket(url.replace("http", "ws") + "/graphql", "graphql-transport-ws");
  await new Promise((open) => socket.once("open", open));
  socket.send(JSON.stringify({ type: "connection_init", payload: { apiKey: admin } }));
  await new Promise((acknowledged) => socket.once("message", acknowledged));
  socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query } }));
  socket.pause();
  socket.on("error", () => {});
  return socket;
}

const memoryKib = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]);

async function trySlowReaders() {
  // Every event makes 30 KiB of it.
  const fields = Array.from({ length: 120 }, (_, number) => `f${number}: userAgent`).join(" ");
  const query = `subscription { auditEvents(filter: { actions: [API_TOKEN_UPDATED] }) { ${fields} } }`;
  const { id } = await create("updated", []);
  const slow = await Promise.all(Array.from({ length: SLOW }, (_, n) => (n % 2 ? slowSocket(query) : slowReader(query))));
  const quick = clients["graphql-sse"](admin);
  const seen = quick.iterate({ query: SUBSCRIPTION, variables: { filter: { actions: ["API_TOKEN_UPDATED"] } } });
  const first = seen.next();
  const before = memoryKib();
  let sent = 0;
  let received = 0;
  const reading = (async () => {
    await first;
    for (received = 1; received < EVENTS; received++) await seen.next();
  })();
  // An update that changes nothing is no event. The quick one has begun by the time that it has seen one.
  const update = async (count) => {
    const updates = Array.from({ length: count }, (_, n) => `u${n}: updateAPIToken(input: { id: "${id}", name: "n${sent + n}" }) { token { id } }`);
    await ask(admin, `mutation { ${updates.join(" ")} }`, {}, { "User-Agent": "x".repeat(255) });
    sent += count;
  };
  while (received < EVENTS && sent < 2 * EVENTS) await update(50);
  await Promise.race([reading, ended]);
  const growth = memoryKib() - before;
  check(`a quick subscriber gets ${EVENTS} events beside ${SLOW} that do not read`, received === EVENTS, `${received} of ${sent}`);
  check(`the server grows by no more than ${MAX_GROWTH_KIB} KiB`, growth <= MAX_GROWTH_KIB, `it grew by ${growth} KiB`);
  console.log(`     ${sent} events, grew by ${growth} KiB to ${memoryKib()} KiB`);

  const text = await new Promise((done) => {
    let tail = "";
    slow[0].setEncoding("utf8").on("data", (chunk) => {
      tail = (tail + chunk).slice(-10_000);
      if (tail.includes("event: complete")) done(tail);
    });
    slow[0].once("close", () => done(tail));
    slow[0].resume();
  });
  check("a client that reads again gets the error that events were missed", text.includes('"code":"UNAVAILABLE"'), text.slice(-300));
  quick.dispose();
  for (const socket of slow) (socket.terminate ?? socket.destroy).call(socket);
}

try {
  for (const [name, clientOf] of Object.entries(clients)) await tryClient(name, clientOf);
  await tryEventSource();
  await tryUrql();
  const environment = { ...process.env, ROTAKEY_URL: url, ROTAKEY_ADMIN: admin };
  const python = spawn(process.argv[3], ["audit_log.py"], { cwd: import.meta.dirname, env: environment, stdio: "inherit" });
  check("gql: gets events", (await new Promise((resolve) => python.once("exit", resolve))) === 0);
  await trySlowReaders();
  const socket = await slowSocket(SUBSCRIPTION);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  server.kill("SIGTERM");
  check("a server that stops says so to a socket", (await closed) === 1001);
  check("and stops", (await ended) === 0);
} finally {
  server.kill("SIGKILL");
  await ended;
  rmSync(folder, { recursive: true });
}
check("the server does not panic", !panicked);
process.exit(failures ? 1 : 0);
