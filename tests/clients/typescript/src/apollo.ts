// The operations by Apollo Client.

import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client'
import { CombinedGraphQLErrors } from '@apollo/client/errors'

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
  const client = new ApolloClient({
    link: new HttpLink({ uri: `${url}/graphql`, headers: { Authorization: `Bearer ${value}` } }),
    cache: new InMemoryCache(),
    // Do not cache answers: they may contain a new value, and a status may change.
    defaultOptions: { query: { fetchPolicy: 'no-cache' }, mutate: { fetchPolicy: 'no-cache' } },
  })
  // docs:end
  return {
    async create(name, expiresAt) {
      const { data } = await client.mutate({ mutation: CreateAPITokenDocument, variables: { input: { name, expiresAt } } })
      const token = data!.createAPIToken.token
      return { id: token.id, value: issued(token.value) }
    },
    async list(after) {
      const { data } = await client.query({
        query: APITokensDocument,
        variables: { filter: { status: ['ACTIVE'] }, first: 2, after },
      })
      const { edges, pageInfo } = data!.apiTokens
      return { tokens: edges.map((edge) => edge.node), next: pageInfo.hasNextPage ? pageInfo.endCursor! : null }
    },
    async rotate(idempotencyKey) {
      // docs:begin rotate
      const { data } = await client.mutate({
        mutation: RotateAPITokenDocument,
        variables: { input: { idempotencyKey } },
      })
      const { generation, value } = data!.rotateAPIToken.token
      // docs:end
      return { generation, value: issued(value) }
    },
    async current() {
      const { id, status, generation } = (await client.query({ query: CurrentAPITokenDocument })).data!.currentAPIToken
      return { id, status, generation }
    },
    async revoke(id) {
      const { data } = await client.mutate({ mutation: RevokeAPITokenDocument, variables: { input: { id } } })
      return data!.revokeAPIToken.token.status
    },
    refusal,
  }
}

// docs:begin errors
function refusal(error: unknown): Refusal {
  if (!CombinedGraphQLErrors.is(error)) throw error
  const { code, retryAfterSeconds } = error.errors[0]?.extensions ?? {}
  return { code: String(code), retryAfterSeconds: retryAfterSeconds as number | undefined }
}
// docs:end

await journey('Apollo Client', connect)
