// Most of a minute in the life of a rotation with brown-outs: the previous value fails for moments during the last quarter of its overlap,
// so that a forgotten client notices while it still recovers. Until then, a listing finds the token by the use of that value.

import assert from 'node:assert/strict'

import { FindAPITokensDocument, ReadAPITokenDocument } from '../generated/graphql.js'
import { create, given, ok, only, operator, rotate, until, use, verdict } from './client.js'

const { id, value: first } = await create({ name: 'browned out', owner: 'brown-out', overlapMinutes: 1 })
const second = await rotate(first, { brownOut: true })
await use(second)
await use(first)

const token = given((await operator.request(ReadAPITokenDocument, { id })).apiToken)
const { brownOutsStartAt, retiresAt } = only(token.values.filter((value) => value.generation === 1))
assert.equal(Date.parse(given(retiresAt)) - Date.parse(given(brownOutsStartAt)), 15_000)

const filter = { previousValueUsedWithinMinutes: 5, owner: 'brown-out' }
const find = async () => (await operator.request(FindAPITokensDocument, { filter })).apiTokens.nodes
await until('found by the use of its previous value', find, (found) => found.some((each) => each.id === id), 60)
ok('find a token by the use of its previous value')

await until('a brown-out', () => verdict(first), (code) => code === 'BROWN_OUT', 75)
assert.ok(Date.now() >= Date.parse(given(brownOutsStartAt)))
await use(second)
await until('an end of the brown-out', () => verdict(first), (code) => code === 'VALID')
ok('brown out the previous value, which then works again')
