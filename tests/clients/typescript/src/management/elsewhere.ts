// Coming from elsewhere: keys of another system are imported by their hashes, verified, and rotated into values of Rotakey. One of them
// misses its rotation period, and is revived.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'

import {
  AuditEventsDocument,
  ImportAPITokensDocument,
  ReadAPITokenDocument,
  ReviveAPITokenDocument,
  RotateAPITokenDocument,
  type ImportAPITokenInput,
} from '../generated/graphql.js'
import { issued } from '../journey.js'
import { connect, given, ok, only, operator, refused, rotate, until, use, verdict } from './client.js'

const key = () => `sk_live_${randomBytes(12).toString('hex')}`
const sha256 = (text: string) => createHash('sha256').update(text)

const billing = key()
const paused = key()
const tokens: ImportAPITokenInput[] = [
  {
    sha256: sha256(billing).digest('hex'),
    format: 'legacy',
    hint: billing.slice(-4),
    name: 'billing',
    owner: 'elsewhere',
    scopes: ['read'],
    expiresAt: '2090-01-01T00:00:00Z',
    metadata: [{ key: 'plan', value: 'gold' }],
  },
  {
    sha256: sha256(paused).digest('base64'),
    name: 'paused',
    createdAt: new Date(Date.now() - 57_000).toISOString(),
    rotationPeriodMinutes: 1,
  },
]
const wrong = await refused(operator, ImportAPITokensDocument, { input: { tokens: [...tokens, { sha256: 'short', name: 'wrong' }] } })
assert.deepEqual([wrong.code, wrong.field], ['BAD_USER_INPUT', 'sha256'])
assert.equal(await verdict(billing), 'UNAUTHENTICATED')
const { imports } = (await operator.request(ImportAPITokensDocument, { input: { tokens } })).importAPITokens
assert.deepEqual(imports.map((each) => each.isNew), [true, true])
const [first, second] = imports.map((each) => each.id)
const repeated = await operator.request(ImportAPITokensDocument, { input: { tokens: tokens.slice(0, 1) } })
assert.deepEqual(repeated.importAPITokens.imports, [{ id: first, isNew: false }])
ok('import keys of another system: all, or none')

assert.equal(await verdict(billing), 'VALID')
const read = async (id = '') => given((await operator.request(ReadAPITokenDocument, { id })).apiToken)
const { values, metadata } = await read(first)
assert.deepEqual([only(values).format, only(values).hint, metadata], ['legacy', billing.slice(-4), [{ key: 'plan', value: 'gold' }]])
const value = await rotate(billing)
assert.ok(value.startsWith('rk_'))
await use(value)
assert.deepEqual(new Set((await read(first)).values.map((each) => each.format)), new Set(['legacy', null]))
ok('rotate a key of another system into a value of Rotakey')

await until('the end of the rotation period', () => read(second), ({ status }) => status === 'ROTATION_OVERDUE')
assert.equal((await refused(connect(paused), RotateAPITokenDocument, {})).code, 'ROTATION_OVERDUE')
const input = { id: given(second), reason: 'the job was paused over the holidays' }
const { token } = (await operator.request(ReviveAPITokenDocument, { input })).reviveAPIToken
assert.deepEqual([token.id, token.status, token.generation], [second, 'ACTIVE', 2])
await use(issued(token.value))
assert.equal(await verdict(paused), 'VALUE_RETIRED')
const { auditEvents } = await operator.request(AuditEventsDocument, { filter: { tokenId: second, actions: ['API_TOKEN_REVIVED'] } })
assert.equal(only(auditEvents.nodes).reason, input.reason)
ok('revive a token that was not rotated in time')
