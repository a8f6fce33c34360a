// A campaign for the day of an incident, from its creation to its report. Its tokens are collected half a minute after its creation.

import assert from 'node:assert/strict'

import {
  CancelRotationCampaignDocument,
  CreateRotationCampaignDocument,
  EndOverlapDocument,
  ReadRotationCampaignDocument,
  RevokeAPITokenDocument,
  RotationCampaignsDocument,
  RotationCampaignTokensDocument,
  type CreateRotationCampaignInput,
  type RotationCampaignTokenState,
} from '../generated/graphql.js'
import { create, given, ok, only, operator, refused, rotate, until, use } from './client.js'

const metadata = [{ key: 'incident', value: 'graphql-request' }]
const orders = await create({ name: 'orders', metadata })
const invoices = await create({ name: 'invoices', metadata })

const order = async (input: Pick<CreateRotationCampaignInput, 'name' | 'atDeadline' | 'reason' | 'evidenceURL'>) => {
  const deadline = new Date(Date.now() + 3_600_000).toISOString()
  const variables = { input: { filter: { metadata }, deadline, ...input } }
  return (await operator.request(CreateRotationCampaignDocument, variables)).createRotationCampaign.campaign.id
}
const evidenceURL = 'https://tickets.example.com/4714'
const id = await order({ name: 'incident', atDeadline: 'REVOKE', reason: 'a laptop was stolen', evidenceURL })
const drill = await order({ atDeadline: 'NOTHING', reason: 'a drill' })
const cancelled = await operator.request(CancelRotationCampaignDocument, { input: { id: drill, reason: 'over' } })
assert.deepEqual(cancelled.cancelRotationCampaign.campaign, { id: drill, cancelled: true })
const page = (await operator.request(RotationCampaignsDocument, { first: 200 })).rotationCampaigns
const listed = page.edges.map((edge) => edge.node.id)
assert.ok(listed.indexOf(drill) >= 0 && listed.indexOf(drill) < listed.indexOf(id))
assert.equal((await refused(operator, ReadRotationCampaignDocument, { id: orders.id })).code, 'NOT_FOUND')
ok('cancel a campaign')

const read = async () => given((await operator.request(ReadRotationCampaignDocument, { id })).rotationCampaign)
const tokens = async (states?: RotationCampaignTokenState[]) => {
  const { rotationCampaignTokens } = await operator.request(RotationCampaignTokensDocument, { id, states })
  return Object.fromEntries(rotationCampaignTokens.nodes.map((each) => [each.token?.name, each.state]))
}
const open = await until('an open campaign', read, ({ status }) => status === 'OPEN', 60)
assert.deepEqual([open.progress.total, open.progress.left, open.progress.waiting, open.progress.notRevocable], [2, 2, 2, 0])
assert.deepEqual((JSON.parse(open.filter) as { metadata: unknown }).metadata, { incident: 'graphql-request' })
assert.deepEqual(await tokens(), { orders: 'WAITING', invoices: 'WAITING' })
const value = await rotate(orders.value)
assert.deepEqual(await tokens(['ROTATED', 'RETIRED']), { orders: 'ROTATED' })
await use(value)
assert.deepEqual(await tokens(['NEW_VALUE_IN_USE', 'OLD_VALUE_SILENT']), { orders: 'NEW_VALUE_IN_USE' })
const ended = await operator.request(EndOverlapDocument, { input: { id: orders.id, force: true } })
assert.equal(only(ended.endAPITokenOverlap.token.values).generation, 2)
assert.deepEqual(await tokens(), { orders: 'RETIRED', invoices: 'WAITING' })
ok('follow the tokens of a campaign')

await operator.request(RevokeAPITokenDocument, { input: { id: invoices.id, reason: 'it was not rotated' } })
const report = await until('the report', read, ({ endedAt }) => endedAt !== null)
assert.deepEqual([report.status, report.cancelled, report.name], ['COMPLETED', false, 'incident'])
const { total, left, retired, revoked } = report.progress
assert.deepEqual({ total, left, retired, revoked }, { total: 2, left: 0, retired: 1, revoked: 1 })
assert.deepEqual(await tokens(), { orders: 'RETIRED', invoices: 'REVOKED' })
ok('read the report of a campaign, which leaves none out')
