// What every client of this folder does with the server, and what it must see. Values are compared and never printed.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

import type { APITokenStatus } from './generated/graphql.js'

/** A refusal as the client tells of it; the HTTP status only where that speaks of it. */
export interface Refusal {
  code: string
  retryAfterSeconds?: number
  status?: number
}

/** One library, holding one value. */
export interface Client {
  create(name: string, expiresAt: string): Promise<{ id: string; value: string }>
  /** One page of the tokens that work. */
  list(after: string | null): Promise<{ tokens: Token[]; next: string | null }>
  rotate(idempotencyKey?: string): Promise<{ generation: number; value: string }>
  current(): Promise<{ id: string; generation: number; status: APITokenStatus }>
  revoke(id: string): Promise<APITokenStatus>
  /** What a failed call was refused for. A fault of another kind is thrown on. */
  refusal(error: unknown): Refusal
}

export interface Token {
  id: string
  name: string
  status: APITokenStatus
  expiresAt?: string | null
}

const EXPIRY = '2100-01-01T00:00:00.000Z'

/** Goes from a new token to its revocation, with a client for each value. */
export async function journey(library: string, connect: (value: string) => Client): Promise<void> {
  const admin = connect(environment('ROTAKEY_ADMIN'))
  const ok = (step: string) => console.log(`ok ${library}: ${step}`)
  const refused = async (client: Client, call: Promise<unknown>): Promise<Refusal> =>
    call.then(
      () => assert.fail(`${library} was not refused`),
      (error: unknown) => client.refusal(error),
    )

  const { id, value: first } = await admin.create(library, EXPIRY)
  ok('create')

  const listed: Token[] = []
  let next: string | null = null
  do {
    const page = await admin.list(next)
    listed.push(...page.tokens)
    next = page.next
  } while (next !== null)
  assert.deepEqual(
    listed.filter((token) => token.id === id).map(({ name, status, expiresAt }) => ({ name, status, expiresAt })),
    [{ name: library, status: 'ACTIVE', expiresAt: EXPIRY }],
  )
  ok('list')

  const second = await connect(first).rotate()
  assert.equal(second.generation, 2)
  assert.ok(second.value !== first)
  ok('rotate')

  assert.deepEqual(await connect(second.value).current(), { id, status: 'ACTIVE', generation: 2 })
  ok('use')

  const key = randomUUID()
  const client = connect(second.value)
  const lost = await client.rotate(key)
  const conflict = await refused(client, client.rotate())
  assert.equal(conflict.code, 'ROTATION_CONFLICT')
  assert.ok(conflict.retryAfterSeconds! >= 1 && conflict.retryAfterSeconds! <= 10)
  ok('lost answer: without its key, to be asked for again later')

  const recovered = await client.rotate(key)
  assert.ok(recovered.value === lost.value && recovered.generation === 3)
  ok('recover: the same key gives the same value')

  assert.equal((await connect(recovered.value).current()).generation, 3)
  assert.equal((await refused(client, client.rotate())).code, 'VALUE_SUPERSEDED')
  ok('use the recovered value, after which the previous one cannot rotate')

  const last = connect(recovered.value)
  assert.equal(await last.revoke(id), 'REVOKED')
  const refusal = await refused(last, last.current())
  assert.equal(refusal.code, 'TOKEN_REVOKED')
  assert.ok(refusal.status === undefined || refusal.status === 401)
  ok('revoke')
}

/** A setting of the run. */
export function environment(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} is not set`)
  return value
}

/** The value in an answer that issues one, where it is never null. */
export function issued(value: string | null | undefined): string {
  assert.ok(value)
  return value
}
