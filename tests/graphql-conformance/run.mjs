// Holds the server and its schema against the references of the GraphQL world: the public audit of GraphQL over HTTP, the
// validator of graphql-js, and its comparison of schemas. Prints a line a check; ends with 1 if one fails.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { buildSchema, findBreakingChanges, parse, parseValue, specifiedDirectives, validate } from "graphql";
import { auditServer } from "graphql-http";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const read = (...path) => readFileSync(join(...path), "utf8");

/** How many checks the audit has; a newer one with more is to be looked at, not passed over. */
const AUDITS = 61;

let failures = 0;
const check = (name, good, detail = "") => {
  console.log(`${good ? "ok  " : "FAIL"} ${name}${good ? "" : `\n     ${detail}`}`);
  failures += good ? 0 : 1;
};

/** The rules that the server's validator checks after others, or reports at the definition and not at what breaks them. */
const REPORTED_ELSEWHERE = ["5.5.1.3", "5.5.2.2"];

/** Where the server reports that a document is not valid, the reference reports it, too. */
async function comparePlaces(schema, url) {
  const places = (errors) => errors.flatMap(({ locations = [] }) => locations.map(({ line, column }) => `${line}:${column}`));
  const reference = (document) => {
    try {
      return validate(schema, parse(document));
    } catch (error) {
      return [error];
    }
  };
  for (const { rule, invalid, ours } of JSON.parse(read(here, "validation.json"))) {
    if (ours || REPORTED_ELSEWHERE.includes(rule.split(" ")[0])) continue;
    const wrong = [];
    for (const document of invalid) {
      const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: document }) };
      const { errors } = await (await fetch(`${url}/graphql`, request)).json();
      const [here, there] = [places(errors), places(reference(document))];
      if (!here.some((place) => there.includes(place))) wrong.push(`${document}: ${here}; the reference: ${there}`);
    }
    check(`the reference agrees on the places of ${rule}`, wrong.length === 0, wrong.join("\n     "));
  }
}

async function audit(schema) {
  const folder = mkdtempSync(join(tmpdir(), "rotakey-"));
  const build = ["build", "--quiet", "--locked", "--bin", "rotakey", "--message-format=json"];
  const lines = execFileSync("cargo", build, { cwd: root, maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });
  const binary = lines.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line).executable).find(Boolean);
  const flags = ["serve", "--listen", "127.0.0.1:0", "--database-url", `sqlite://${folder}/rotakey.db`, "--log", "error"];
  const server = spawn(binary, flags, { stdio: ["ignore", "pipe", "pipe"] });
  // What waits for ever must fail.
  setTimeout(() => {
    console.log("FAIL not done within ten minutes");
    server.kill("SIGKILL");
    process.exit(1);
  }, 600_000).unref();
  let panicked = false;
  server.stderr.on("data", (text) => {
    process.stderr.write(text);
    panicked ||= text.includes("panicked");
  });
  try {
    let url;
    for await (const line of createInterface({ input: server.stdout })) {
      url = /listening on (\S+)/.exec(line)?.[1];
      if (url) break;
    }
    await comparePlaces(schema, url);
    const results = await auditServer({ url: `${url}/graphql` });
    for (const result of results) check(`${result.id} ${result.name}`, result.status === "ok", result.reason);
    check(`the audit has ${AUDITS} checks, all of them ok`, results.length === AUDITS, `it has ${results.length}`);
  } finally {
    server.kill();
    await new Promise((ended) => server.once("exit", ended));
    rmSync(folder, { recursive: true });
  }
  check("the server does not panic", !panicked);
}

/** The table that the server is tested by says of every document what the reference says. */
function compareValidation(schema) {
  const fits = (document) => {
    try {
      return validate(schema, parse(document)).length === 0;
    } catch {
      return false;
    }
  };
  for (const { rule, valid, invalid, ours } of JSON.parse(read(here, "validation.json"))) {
    // The reference knows no scalar of ours and lets all of its literals pass.
    const wrong = [...valid.filter((document) => !fits(document)), ...(ours ? [] : invalid.filter(fits))];
    check(`the reference agrees on ${rule}`, wrong.length === 0, wrong.join("\n     "));
  }
}

/** The table of literals and faults says what the reference reads, and where it tells an error. */
function compareLexical(schema) {
  const { strings, integers, broken, invalid } = JSON.parse(read(here, "lexical.json"));
  const place = (error) => (error ? `${error.locations[0].line}:${error.locations[0].column}` : "nowhere");
  const parseError = (document) => {
    try {
      parse(document);
    } catch (error) {
      return error;
    }
  };
  const report = (what, wrong) =>
    check(`the reference agrees on ${what}`, wrong.length === 0, wrong.map((one) => JSON.stringify(one)).join("\n     "));
  report("strings", strings.filter(({ literal, value }) => parseValue(literal).value !== value));
  report("integers", integers.filter(({ literal }) => parseValue(literal).kind !== "IntValue"));
  report("what is no document", broken.filter((one) => place(parseError(one.document)) !== `${one.line}:${one.column}`));
  const first = (document) => validate(schema, parse(document))[0];
  report("where a document is not valid", invalid.filter((one) => place(first(one.document)) !== `${one.line}:${one.column}`));
}

/** Nothing that the last release promised is taken back, but for what is listed with its reason. */
function compareRelease(schema) {
  const released = buildSchema(read(here, "released.graphql"));
  const allowed = JSON.parse(read(here, "breaking-changes.json")).map(({ change }) => change);
  // The language's own directives are not ours to promise.
  const own = new RegExp(` from (${specifiedDirectives.map(({ name }) => name).join("|")})\\.$`);
  const descriptions = findBreakingChanges(released, schema).map((change) => change.description);
  const changes = descriptions.filter((change) => !own.test(change));
  for (const change of changes) check(`breaking: ${change}`, allowed.includes(change), "list it with its reason, or take it back");
  for (const change of allowed) check(`listed: ${change}`, changes.includes(change), "it is no change any more: take it off");
  check("the schema keeps what the last release promised", changes.every((change) => allowed.includes(change)));
}

const schema = buildSchema(read(root, "schema.graphql"));
compareValidation(schema);
compareLexical(schema);
compareRelease(schema);
await audit(schema);
console.log(failures === 0 ? "GraphQL conformance: all ok" : `GraphQL conformance: ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
