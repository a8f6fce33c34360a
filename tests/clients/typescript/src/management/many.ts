// Many tokens at once: rotating and revoking all that match a filter, first without changing anything.

import assert from 'node:assert/strict'

import {
  RevokeAPITokensDocument,
  RotateAPITokensDocument,
  UpdateAPITokenDocument,
  type RevokeAPITokensInput,
  type RotateAPITokensInput,
} from '../generated/graphql.js'
import { create, ok, only, operator } from './client.js'

const filter = { owner: 'many', metadata: [{ key: 'plan', value: 'graphql-request' }] }
const orders = await create({ name: 'orders', ...filter })
const invoices = await create({ name: 'invoices', ...filter })

const rotate = async (input: Omit<RotateAPITokensInput, 'filter'>) =>
  (await operator.request(RotateAPITokensDocument, { input: { filter, ...input } })).rotateAPITokens
const rehearsed = await rotate({ dryRun: true, first: 1 })
assert.deepEqual(only(rehearsed.rotations).token, { id: orders.id, generation: 1, value: null })
assert.ok(rehearsed.pageInfo.hasNextPage)
const next = await rotate({ dryRun: true, first: 1, after: rehearsed.pageInfo.endCursor })
assert.deepEqual([only(next.rotations).token.id, next.pageInfo.hasNextPage], [invoices.id, false])
const yearly = { dryRun: false, reason: 'yearly rotation', idempotencyKey: '2026-w48' }
const { rotations } = await rotate(yearly)
const again = await rotate(yearly)
assert.deepEqual(
  rotations.map(({ token, refusal, message }) => [token.generation, refusal, message]),
  [
    [2, null, null],
    [2, null, null],
  ],
)
assert.ok(rotations.every(({ token }, index) => token.value !== null && token.value === again.rotations[index]?.token.value))
ok('rotate by a filter; the same key gives the same values')

await operator.request(UpdateAPITokenDocument, { input: { id: invoices.id, protected: true } })
const revoke = async (input: Omit<RevokeAPITokensInput, 'filter'>) => {
  const { revocations } = (await operator.request(RevokeAPITokensDocument, { input: { filter, ...input } })).revokeAPITokens
  return revocations.map(({ token, refusal }) => [token.id, token.status, refusal])
}
assert.deepEqual(await revoke({ dryRun: true }), [
  [orders.id, 'ACTIVE', null],
  [invoices.id, 'ACTIVE', 'TOKEN_PROTECTED'],
])
assert.deepEqual(await revoke({ dryRun: false, reason: 'the customer has left' }), [
  [orders.id, 'REVOKED', null],
  [invoices.id, 'ACTIVE', 'TOKEN_PROTECTED'],
])
ok('revoke by a filter; what may not be revoked is named')
