// Holds /introspect against openid-client. Prints a line a check; ends with 1 if one fails. Values are never printed.

import * as oauth from "openid-client";

const { ROTAKEY_URL: url, ROTAKEY_ADMIN: admin } = process.env;
let failures = 0;
const check = (name, good, detail = "") => {
  console.log(`${good ? "ok  " : "FAIL"} openid-client: ${name}${good ? "" : `\n     ${detail}`}`);
  failures += good ? 0 : 1;
};

async function create(input) {
  const headers = { "X-API-Key": admin, "Content-Type": "application/json" };
  const answer = await fetch(`${url}/api-tokens`, { method: "POST", headers, body: JSON.stringify(input) });
  return await answer.json();
}

/** What the client gets about a token: the answer, or the error. */
async function introspect(authentication, clientId, token) {
  // docs:begin openid-client
  const server = { issuer: url, introspection_endpoint: `${url}/introspect` };
  const config = new oauth.Configuration(server, clientId, undefined, authentication);
  // docs:end
  oauth.allowInsecureRequests(config);
  return await oauth.tokenIntrospection(config, token, { rotakey_scope: "read" }).catch((error) => error);
}

const caller = await create({ name: "orders", permissions: ["API_TOKEN_VERIFY"] });
const stranger = await create({ name: "stranger" });
const subject = await create({ name: "n", owner: "acme", scopes: ["read"] });

for (const method of ["ClientSecretBasic", "ClientSecretPost"]) {
  const by = oauth[method];
  for (const id of [caller.id, "orders", "orders: ä+b %41&c"]) {
    const introspected = await introspect(by(caller.value), id, subject.value);
    check(`${method}: as ${id === caller.id ? "its own id" : id}`, introspected.active === true && introspected.sub === "acme", introspected);
  }
  const inactive = await introspect(by(caller.value), caller.id, "hello");
  check(`${method}: a value that is none is inactive`, inactive.active === false, inactive);
  for (const [what, id, secret] of [
    ["a bad secret", caller.id, "hello"],
    ["the id of one API token", stranger.id, caller.value],
  ]) {
    const refused = await introspect(by(secret), id, subject.value);
    const challenge = refused.cause?.[0]?.scheme ?? refused.cause?.error;
    check(`${method}: ${what} is refused`, refused.status === 401, refused);
    check(`${method}: in its own words`, challenge === (method === "ClientSecretBasic" ? "basic" : "bearer"), refused.cause);
  }
  const forbidden = await introspect(by(stranger.value), stranger.id, subject.value);
  check(`${method}: one without the permission is refused`, forbidden.status === 403, forbidden);
}
process.exit(failures === 0 ? 0 : 1);
