// Webhooks, from their creation to their deletion, with a receiver that verifies what it gets.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import {
  CreateWebhookDocument,
  DeleteWebhookDocument,
  EnableWebhookDocument,
  ReadWebhookDocument,
  RefetchDocument,
  ResendWebhookDeliveryDocument,
  RevokeAPITokenDocument,
  RotateWebhookSecretDocument,
  TestWebhookDocument,
  UpdateWebhookDocument,
  WebhookDeliveriesDocument,
  WebhooksDocument,
} from '../generated/graphql.js'
import { create, ok, only, operator, refused, until } from './client.js'

interface Message {
  id: string
  type: string
  /** The token that it is about. */
  token?: string
  isSigned(secret: string): boolean
}

const messages: Message[] = []
const receiver = createServer(async (request, response) => {
  const body = await text(request)
  const header = (name: string) => String(request.headers[name])
  const { type, data } = JSON.parse(body) as { type: string; data: { token?: { id: string } } }
  const isSigned = (secret: string) => {
    const hmac = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    const signature = hmac.update(`${header('webhook-id')}.${header('webhook-timestamp')}.${body}`).digest('base64')
    return header('webhook-signature').split(' ').includes(`v1,${signature}`)
  }
  messages.push({ id: header('webhook-id'), type, token: data.token?.id, isSigned })
  response.writeHead(204).end()
})
receiver.listen(0, '127.0.0.1')
await once(receiver, 'listening')
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/rotakey`

const created = await operator.request(CreateWebhookDocument, {
  input: { url, kinds: ['REVOKED'], owners: ['notices'], description: 'the pager' },
})
const { webhook, secret, publicKey } = created.createWebhook
assert.ok(secret.startsWith('whsec_') && publicKey.startsWith('whpk_'))
const id = webhook.id
assert.deepEqual(webhook, { id, url, kinds: ['REVOKED'], owners: ['notices'], status: 'ACTIVE', disabledBecause: null })
const changed = await operator.request(UpdateWebhookDocument, { input: { id, description: null, kinds: ['REVOKED', 'VALUE_REUSED'] } })
assert.deepEqual(changed.updateWebhook.webhook, { description: null, kinds: ['VALUE_REUSED', 'REVOKED'] })
const { webhooks } = await operator.request(WebhooksDocument, { first: 200 })
assert.ok(webhooks.nodes.some((each) => each.id === id))
const { node } = await operator.request(RefetchDocument, { id })
assert.deepEqual(node, { __typename: 'Webhook', id, url })

/** The deliveries, newest first, once the receiver has accepted so many. */
const delivered = (count: number) =>
  until(
    `${count} notices delivered`,
    async () => (await operator.request(WebhookDeliveriesDocument, { webhookId: id })).webhookDeliveries.nodes,
    (deliveries) => deliveries.filter((each) => each.status === 'DELIVERED').length === count,
  )
const test = (await operator.request(TestWebhookDocument, { input: { id } })).testWebhook.delivery
assert.deepEqual([test.kind, test.tokenId], ['TEST', null])
const delivery = only(await delivered(1))
assert.deepEqual([delivery.id, delivery.attempts, delivery.lastStatus, delivery.nextAttemptAt], [test.id, 1, 204, null])
assert.deepEqual([only(messages).id, only(messages).type], [test.noticeId, 'webhook.test'])
assert.ok(only(messages).isSigned(secret))
const state = (await operator.request(ReadWebhookDocument, { id })).webhook
assert.ok(state?.lastSuccessAt && state.lastFailure === null)
ok('create a webhook, and test it')

const rotated = (await operator.request(RotateWebhookSecretDocument, { input: { id, overlapMinutes: 60 } })).rotateWebhookSecret
assert.ok(rotated.secret !== secret && rotated.webhook.previousSecretUntil !== null)
const token = await create({ name: 'leaked', owner: 'notices' })
await operator.request(RevokeAPITokenDocument, { input: { id: token.id, reason: 'it leaked' } })
const [notice] = await delivered(2)
assert.deepEqual([notice?.kind, notice?.tokenId], ['REVOKED', token.id])
const told = only(messages.slice(1))
assert.deepEqual([told.type, told.token, told.id], ['api_token.revoked', token.id, notice?.noticeId])
assert.ok(told.isSigned(secret) && told.isSigned(rotated.secret))
await operator.request(ResendWebhookDeliveryDocument, { input: { id: notice?.id ?? '' } })
await until('the notice again', async () => messages.length, (count) => count === 3)
assert.equal(messages[2]?.id, told.id)
ok('be told of a revocation, signed with the old and the new secret')

const enabled = await operator.request(EnableWebhookDocument, { input: { id } })
assert.equal(enabled.enableWebhook.webhook.status, 'ACTIVE')
assert.equal((await operator.request(DeleteWebhookDocument, { input: { id } })).deleteWebhook.deletedId, id)
assert.equal((await refused(operator, ReadWebhookDocument, { id })).code, 'NOT_FOUND')
receiver.close()
ok('delete the webhook')
