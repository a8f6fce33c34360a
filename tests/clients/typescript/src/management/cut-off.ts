// Who uses the old value, and what retires it: uses, the rehearsal, and the refusal to cut off a value in use.

import assert from 'node:assert/strict'

import { AuditEventsDocument, EndOverlapDocument, ReadAPITokenDocument, RehearseRetirementDocument } from '../generated/graphql.js'
import { RotateAPITokenDocument, VerifyAPITokensDocument } from '../generated/graphql.js'
import { connect, create, given, ok, only, operator, refused, rotate, use, verdict } from './client.js'

const { id, value: first } = await create({
  name: 'orders',
  overlapMinutes: 60,
  overlapStarts: 'FIRST_USE',
  overlapEnds: 'WHEN_SILENT',
  silentMinutes: 2,
})
const second = await rotate(first)

// The new value is in use. A forgotten job still sends the old one, also to the protected API, which reports its address.
await use(second, 'checkout/2.0')
await use(first, 'nightly-report/1.4')
await use(first, 'nightly-report/1.5')
const { verifyAPITokens } = await operator.request(VerifyAPITokensDocument, { inputs: [{ value: first, address: '203.0.113.7' }] })
const verified = only(verifyAPITokens)
assert.deepEqual([verified.valid, verified.code, verified.generation, verified.token?.id], [true, 'VALID', 1, id])
assert.ok(Date.parse(given(verified.retiresAt)) > Date.now())

const read = async () => given((await operator.request(ReadAPITokenDocument, { id })).apiToken)
const token = await read()
assert.deepEqual([token.overlapEnds, token.silentMinutes], ['WHEN_SILENT', 2])
const previous = only(token.values.filter((value) => value.replacedAt !== null))
assert.deepEqual([previous.generation, previous.otherUserCount], [1, 0])
assert.ok(given(previous.useCount) >= 3 && given(previous.lastUsedAt) < given(previous.retiresAt))
const users = given(previous.users).map(({ address, userAgent, count }) => `${userAgent} at ${address}: ${count}`)
assert.ok(users.includes('nightly-report at 127.0.0.0/24: 2') && users.includes('null at 203.0.113.0/24: 1'))
ok('see who uses the old value')

const { rehearseAPITokenRetirement: rehearsal } = await operator.request(RehearseRetirementDocument, { id })
assert.deepEqual([rehearsal.generation, rehearsal.code, rehearsal.needsForce], [1, 'VALUE_RETIRED', true])
assert.ok(rehearsal.users.some((user) => user.userAgent === 'nightly-report'))
assert.ok(Date.parse(given(rehearsal.silentAt)) > Date.now())
// A rotation without an overlap would also retire the current value.
assert.deepEqual([rehearsal.rotation?.needsForce, rehearsal.rotation?.generationsInUse], [true, [1, 2]])
const current = (await operator.request(RehearseRetirementDocument, { id, generation: 2 })).rehearseAPITokenRetirement
assert.ok(current.users.some((user) => user.userAgent === 'checkout'))
ok('rehearse the retirement')

const early = await refused(operator, EndOverlapDocument, { input: { id } })
assert.deepEqual([early.code, early.users?.some((user) => user.userAgent === 'nightly-report')], ['STILL_IN_USE', true])
assert.ok(Date.parse(given(early.lastUsedAt)) <= Date.now() + 1000)
const cut = await refused(connect(second), RotateAPITokenDocument, { input: { overlapMinutes: 0 } })
assert.equal(cut.code, 'STILL_IN_USE')
const ended = await operator.request(EndOverlapDocument, { input: { id, force: true } })
assert.equal(only(ended.endAPITokenOverlap.token.values).generation, 2)
assert.equal(await verdict(first), 'VALUE_RETIRED')
const leaked = { reason: 'the value was in a public repository', evidenceURL: 'https://tickets.example.com/4711' }
await operator.request(RotateAPITokenDocument, { input: { id, overlapMinutes: 0, force: true, ...leaked } })
assert.equal(await verdict(second), 'VALUE_RETIRED')
ok('retire a value in use, by force only')

const { nodes } = (await operator.request(AuditEventsDocument, { filter: { tokenId: id, actions: ['API_TOKEN_ROTATED'] } })).auditEvents
const [forced, own] = nodes
assert.deepEqual([forced?.reason, forced?.evidenceURL, forced?.refusal], [leaked.reason, leaked.evidenceURL, null])
assert.deepEqual([own?.reason, own?.actor], [null, { kind: 'API_TOKEN', id }])
ok('read why in the audit log')
