// What a person finds on the first visit: the rotation first, since that is what most come for, then a look at the
// token they hold. Separate so that the texts can change without touching the page.
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

const CURRENT = `# The token that you hold.
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
