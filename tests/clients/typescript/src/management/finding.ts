// Finding tokens: metadata, every condition and every order, counts, the audit log; and what a token may be besides active: suspended, or
// not yet valid.

import assert from 'node:assert/strict'

import {
  AuditEventsDocument,
  CountAPITokensDocument,
  CreateAPITokenDocument,
  FindAPITokensDocument,
  ReadAPITokenDocument,
  RefetchDocument,
  ResumeAPITokenDocument,
  RotateAPITokenDocument,
  SuspendAPITokenDocument,
  UpdateAPITokenDocument,
  VerifyAPITokensDocument,
  type APITokenFilter,
  type APITokenOrderField,
  type AuditEventsQueryVariables,
  type CreateAPITokenInput,
} from '../generated/graphql.js'
import { connect, create, given, ok, operator, refused, verdict } from './client.js'

const year = (number: number) => `${number}-01-01T00:00:00.000Z`
const maker = await create({
  name: 'maker',
  permissions: ['API_TOKEN_READ', 'API_TOKEN_MODIFY', 'API_TOKEN_VERIFY'],
  scopes: ['read', 'write'],
})
const caller = connect(maker.value)
const make = (input: CreateAPITokenInput) => create(input, caller)
const lemon = await make({
  name: 'lemon',
  owner: 'citrus',
  description: 'sour, and yellow',
  scopes: ['read'],
  permissions: ['API_TOKEN_VERIFY'],
  metadata: [
    { key: 'team', value: 'Zürich' },
    { key: 'plan', value: 'gold' },
  ],
  expiresAt: year(2090),
  rotationPeriodMinutes: 120,
})
const melon = await make({ name: 'melon', kind: 'PUBLIC', allowedOrigins: ['https://*.example.com'], rotationPeriodMinutes: 60 })
const apple = await make({ cloneSettingsFrom: lemon.id, name: 'apple', owner: 'orchard', metadata: [], expiresAt: year(2080) })
const plum = await make({ name: 'plum', notBefore: year(2070), scopes: ['write'] })
const made = new Date(Date.now() + 1).toISOString()
// Apple's overlap runs, and melon is used.
await caller.request(RotateAPITokenDocument, { input: { id: apple.id } })
const { verifyAPITokens } = await caller.request(VerifyAPITokensDocument, {
  inputs: [
    { value: melon.value, origin: 'https://shop.example.com' },
    { value: melon.value, origin: 'https://evil.example' },
    { value: lemon.value, requiredScopes: ['read', 'write'] },
    { value: plum.value },
  ],
})
assert.deepEqual(
  verifyAPITokens.map(({ code, missingScopes }) => [code, missingScopes]),
  [
    ['VALID', []],
    ['ORIGIN_REFUSED', []],
    ['SCOPE_MISSING', ['write']],
    ['NOT_YET_VALID', []],
  ],
)

const find = async (filter: APITokenFilter) => {
  const variables = { filter: { createdBy: maker.id, ...filter } }
  return (await operator.request(FindAPITokensDocument, variables)).apiTokens.nodes.map((token) => token.name)
}
// The compiler refuses a table that leaves out a condition.
const finds: { [C in keyof APITokenFilter]-?: [NonNullable<APITokenFilter[C]>, string[]] } = {
  createdBy: [maker.id, ['lemon', 'melon', 'apple', 'plum']],
  status: [['NOT_YET_VALID', 'REVOKED'], ['plum']],
  name: ['LEM', ['lemon']],
  text: ['yellow', ['lemon', 'apple']],
  owner: ['orchard', ['apple']],
  kind: ['PUBLIC', ['melon']],
  scope: ['write', ['plum']],
  permission: ['API_TOKEN_VERIFY', ['lemon', 'apple']],
  metadata: [[{ key: 'team', value: 'Zürich' }, { key: 'plan', value: 'gold' }], ['lemon']],
  expiresAfter: [year(2085), ['lemon']],
  expiresBefore: [year(2085), ['apple']],
  rotateByBefore: [new Date(Date.now() + 90 * 60_000).toISOString(), ['melon']],
  unusedSince: [made, ['apple', 'plum']],
  overlapRunning: [true, ['apple']],
  // Nobody has used the previous value.
  previousValueUsedWithinMinutes: [5, []],
}
for (const [condition, [value, expected]] of Object.entries(finds)) {
  assert.deepEqual(await find({ [condition]: value }), expected, condition)
}
ok('find tokens by every condition')

const orders: Record<APITokenOrderField, string[]> = {
  CREATED_AT: ['lemon', 'melon', 'apple', 'plum'],
  NAME: ['apple', 'lemon', 'melon', 'plum'],
  EXPIRES_AT: ['apple', 'lemon', 'melon', 'plum'],
  ROTATE_BY: ['melon', 'lemon', 'apple', 'plum'],
  // Lemon and melon were used by one request.
  LAST_USED_AT: ['apple', 'plum', 'lemon', 'melon'],
}
for (const [order, ascending] of Object.entries(orders)) {
  const field = order as APITokenOrderField
  for (const direction of ['ASC', 'DESC'] as const) {
    const variables = { filter: { createdBy: maker.id }, orderBy: { field, direction } }
    const { nodes } = (await operator.request(FindAPITokensDocument, variables)).apiTokens
    const expected = direction === 'ASC' ? ascending : [...ascending].reverse()
    assert.deepEqual(nodes.map((token) => token.name), expected, `${order} ${direction}`)
  }
}
ok('list tokens in every order')

const { tokenCounts } = await operator.request(CountAPITokensDocument, { owners: 100 })
const total = (counts: { count: number }[]) => counts.reduce((sum, { count }) => sum + count, 0)
assert.deepEqual([total(tokenCounts.byStatus), total(tokenCounts.byKind)], [tokenCounts.total, tokenCounts.total])
assert.equal(total(tokenCounts.byOwner) + tokenCounts.ofOtherOwners + tokenCounts.withoutOwner, tokenCounts.total)
ok('count tokens')

const id = lemon.id
const why = { reason: 'the customer has not paid', evidenceURL: 'https://tickets.example.com/4713' }
const { token: suspended } = (await operator.request(SuspendAPITokenDocument, { input: { id, ...why } })).suspendAPIToken
assert.ok(suspended.status === 'SUSPENDED' && suspended.suspendedAt !== null)
assert.equal(await verdict(lemon.value), 'TOKEN_SUSPENDED')
const { token: resumed } = (await operator.request(ResumeAPITokenDocument, { input: { id } })).resumeAPIToken
assert.deepEqual(resumed, { status: 'ACTIVE', suspendedAt: null })
assert.equal(await verdict(lemon.value), 'VALID')
const metadata = [{ key: 'team', value: 'Bern' }]
const { token: updated } = (await operator.request(UpdateAPITokenDocument, { input: { id, description: null, metadata } })).updateAPIToken
assert.deepEqual(updated, { description: null, protected: false, metadata })
assert.deepEqual((await operator.request(RefetchDocument, { id })).node, { __typename: 'APIToken', id, name: 'lemon' })
assert.equal((await refused(operator, ReadAPITokenDocument, { id: maker.id.replace(/.$/, 'Z') })).code, 'NOT_FOUND')
assert.equal((await refused(caller, CreateAPITokenDocument, { input: { name: 'more', scopes: ['admin'] } })).code, 'FORBIDDEN')
ok('suspend, resume and change a token')

// The log is newest first. From its end, it is read backwards.
const log = async (page: AuditEventsQueryVariables) => {
  const { nodes, pageInfo } = (await operator.request(AuditEventsDocument, { filter: { tokenId: id }, ...page })).auditEvents
  return { actions: nodes.map((event) => event.action), reasons: nodes.map((event) => event.reason), pageInfo }
}
const newest = await log({ first: 3 })
assert.deepEqual(newest.actions, ['API_TOKEN_UPDATED', 'API_TOKEN_RESUMED', 'API_TOKEN_SUSPENDED'])
assert.deepEqual(newest.reasons, [null, null, why.reason])
const oldest = await log({ last: 1 })
assert.deepEqual([oldest.actions, oldest.pageInfo.hasPreviousPage], [['API_TOKEN_CREATED'], true])
const before = await log({ last: 2, before: given(oldest.pageInfo.startCursor) })
assert.deepEqual(before.actions, ['API_TOKEN_RESUMED', 'API_TOKEN_SUSPENDED'])
ok('read the audit log forwards and backwards')
