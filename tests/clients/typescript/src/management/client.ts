// The generated operations by graphql-request, and what the programs of this folder share. Values are compared and never printed.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { ClientError, GraphQLClient, type Variables } from 'graphql-request'

import {
  CreateAPITokenDocument,
  CurrentAPITokenDocument,
  RotateAPITokenDocument,
  VerifyAPITokensDocument,
  type CreateAPITokenInput,
  type ErrorCode,
  type RotateAPITokenInput,
  type VerificationCode,
} from '../generated/graphql.js'
import { environment, issued } from '../journey.js'

const url = environment('ROTAKEY_URL')

/** A client that holds a value. Its user agent is that of a service that uses the API. */
export const connect = (value: string, userAgent = 'management') =>
  new GraphQLClient(`${url}/graphql`, { headers: { Authorization: `Bearer ${value}`, 'User-Agent': userAgent } })

export const operator = connect(environment('ROTAKEY_ADMIN'))

export async function create(input: CreateAPITokenInput, client = operator): Promise<{ id: string; value: string }> {
  const { token } = (await client.request(CreateAPITokenDocument, { input })).createAPIToken
  return { id: token.id, value: issued(token.value) }
}

/** Lets the holder of a value rotate its token, and tells the new value. */
export async function rotate(value: string, input: RotateAPITokenInput = {}): Promise<string> {
  return issued((await connect(value).request(RotateAPITokenDocument, { input })).rotateAPIToken.token.value)
}

/** Uses a value, which must work. */
export async function use(value: string, userAgent?: string): Promise<void> {
  await connect(value, userAgent).request(CurrentAPITokenDocument)
}

/** What the protected API is told about a value. */
export async function verdict(value: string): Promise<VerificationCode> {
  const { verifyAPITokens } = await operator.request(VerifyAPITokensDocument, { inputs: [{ value }] })
  return only(verifyAPITokens).code
}

export interface Refusal {
  code: ErrorCode
  field?: string
  message: string
  lastUsedAt?: string
  users?: { address: string | null; userAgent: string | null; lastSeenAt: string }[]
}

/** What an operation is refused for. */
export async function refused<T, V extends Variables>(
  client: GraphQLClient,
  document: TypedDocumentNode<T, V>,
  variables: V,
): Promise<Refusal> {
  try {
    await client.request<T>(document as TypedDocumentNode<T>, variables)
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    const [first] = error.response.errors ?? []
    return { ...(first?.extensions as Omit<Refusal, 'message'>), message: first?.message ?? '' }
  }
  assert.fail('it was not refused')
}

/** The one item of a list that must have one. */
export function only<T>(items: readonly T[]): T {
  const [item] = items
  assert.ok(item !== undefined && items.length === 1, `${items.length} items instead of one`)
  return item
}

/** What may be null in an answer, and must be there. */
export function given<T>(item: T | null | undefined): T {
  assert.ok(item !== null && item !== undefined)
  return item
}

/** What a request answers, once this holds of it. */
export async function until<T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (holds(answer)) return answer
    assert.ok(Date.now() < end, `not within ${seconds} seconds: ${what}`)
    await pause(100)
  }
}

export const ok = (step: string) => console.log(`ok graphql-request: ${step}`)
