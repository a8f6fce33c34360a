// The tabs of the first visit: the rotation first, because that is what most people come for, then the caller's own token.
// Separate so that the texts can change without touching the page.
import { HEADERS_PREFILL } from './headers';

const ROTATE = `# Paste your value below,
# into the headers, and run.
# The new value shows once.
mutation rotateAPIToken {
  rotateAPIToken {
    token {
      value
    }
  }
}
`;

const CURRENT = `# Your own API token.
query currentAPIToken {
  currentAPIToken {
    id
    name
    status
    generation
    expiresAt
    rotateBy
    values {
      generation
      hint
      createdAt
      firstUsedAt
      retiresAt
    }
  }
}
`;

export const FIRST_TABS = [ROTATE, CURRENT].map((query) => ({ query, headers: HEADERS_PREFILL }));
