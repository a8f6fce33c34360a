// The operations by graphql-request.

import { ClientError, GraphQLClient } from 'graphql-request'

import {
  APITokensDocument,
  CreateAPITokenDocument,
  CurrentAPITokenDocument,
  RevokeAPITokenDocument,
  RotateAPITokenDocument,
} from './generated/graphql.js'
import { type Client, environment, issued, journey, type Refusal } from './journey.js'

const url = environment('ROTAKEY_URL')

function connect(value: string): Client {
  // docs:begin connect
  const client = new GraphQLClient(`${url}/graphql`, { headers: { Authorization: `Bearer ${value}` } })
  // docs:end
  return {
    async create(name, expiresAt) {
      const { createAPIToken } = await client.request(CreateAPITokenDocument, { input: { name, expiresAt } })
      return { id: createAPIToken.token.id, value: issued(createAPIToken.token.value) }
    },
    async list(after) {
      const { apiTokens } = await client.request(APITokensDocument, { filter: { status: ['ACTIVE'] }, first: 2, after })
      const { hasNextPage, endCursor } = apiTokens.pageInfo
      return { tokens: apiTokens.edges.map((edge) => edge.node), next: hasNextPage ? endCursor! : null }
    },
    async rotate(idempotencyKey) {
      // docs:begin rotate
      const { rotateAPIToken } = await client.request(RotateAPITokenDocument, { input: { idempotencyKey } })
      const { generation, value } = rotateAPIToken.token
      // docs:end
      return { generation, value: issued(value) }
    },
    async current() {
      return (await client.request(CurrentAPITokenDocument)).currentAPIToken
    },
    async revoke(id) {
      return (await client.request(RevokeAPITokenDocument, { input: { id } })).revokeAPIToken.token.status
    },
    refusal,
  }
}

// docs:begin errors
function refusal(error: unknown): Refusal {
  if (!(error instanceof ClientError)) throw error
  const { errors, status } = error.response
  const { code, retryAfterSeconds } = errors?.[0]?.extensions ?? {}
  return { code: String(code), retryAfterSeconds: retryAfterSeconds as number | undefined, status }
}
// docs:end

await journey('graphql-request', connect)
