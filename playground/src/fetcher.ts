// How the page calls the server. Not GraphiQL's own fetcher, for three reasons: the schema is read without the credential,
// an error (400, 401) is shown as the server sent it, and every answer is searched for new values.
import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';
import { resultsOf } from './event-stream';
import { credentialAmong, headersToSend, type HeaderFields } from './headers';
import { chooseOperation } from './operation';
import { NOT_SENT, rotatesItself, type ReplacedValues } from './replaced-values';
import { findValues } from './values';

export const INTROSPECTION_NAME = 'PlaygroundIntrospection';

const JSON_TYPES = 'application/graphql-response+json, application/json;q=0.9';

export function createFetcher(
  endpoint: string,
  replaced: ReplacedValues,
  onValues: (values: string[]) => void,
): Fetcher {
  return async (params, options) => {
    if (params.operationName === INTROSPECTION_NAME) return introspect(endpoint, params, options);
    const operation = chooseOperation(params.query, params.operationName);
    const credential = credentialAmong(options?.headers ?? {});
    // A result and not an `Error`, which GraphiQL would show with its stack.
    if (credential !== null && replaced.holdsBack(credential)) return { errors: [{ message: NOT_SENT }] };
    const request = { ...params, operationName: operation.name };
    const accept = operation.isSubscription ? `text/event-stream, ${JSON_TYPES}` : JSON_TYPES;
    const stop = new AbortController();
    const response = await post(endpoint, request, options?.headers, accept, stop.signal);
    if (response.body && response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return resultsOf(response.body, stop);
    }
    const result = await resultIn(response);
    const values = findValues(result.data);
    if (values.length > 0) {
      if (credential !== null && rotatesItself(params.query, operation.name, params.variables)) replaced.add(credential);
      onValues(values);
    }
    return result;
  };
}

// A bad credential fails the whole request with 401, and a mistyped value must not hide the documentation. The headers are
// only sent if the server refuses to show its schema without a credential.
async function introspect(endpoint: string, params: FetcherParams, options?: FetcherOpts): Promise<ExecutionResult> {
  const anonymous = await resultIn(await post(endpoint, params, {}, JSON_TYPES));
  if (anonymous.data) return anonymous;
  return resultIn(await post(endpoint, params, options?.headers, JSON_TYPES));
}

function post(
  endpoint: string,
  params: FetcherParams,
  fields: HeaderFields = {},
  accept: string,
  signal?: AbortSignal,
): Promise<Response> {
  const headers = new Headers({ accept, 'content-type': 'application/json' });
  for (const [name, value] of headersToSend(fields)) headers.set(name, value);
  return fetch(endpoint, {
    method: 'POST',
    headers,
    body: JSON.stringify(params),
    // The headers are the only credential, they go to this server only, and no answer is left in the HTTP cache.
    credentials: 'omit',
    redirect: 'error',
    cache: 'no-store',
    signal: signal ?? null,
  });
}

async function resultIn(response: Response): Promise<ExecutionResult> {
  const text = await response.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    throw new Error(`The server answered ${response.status} without a GraphQL result: ${text.slice(0, 500) || 'nothing'}`);
  }
}
