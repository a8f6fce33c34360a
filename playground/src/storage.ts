// What the playground stores in the browser. GraphiQL remembers tabs, panes and the theme. Everything it writes passes
// through here, because a token's value must never outlive the page (R9): neither the headers, nor an answer, nor a value
// pasted into the variables or the query.
import type { Storage as GraphiQLStorage } from '@graphiql/toolkit';
import { scrubValues } from './values';

const NAMESPACE = 'rotakey-playground:';

/** The browser's storage behind the filter. If the browser refuses to store anything, nothing is remembered. */
export function playgroundStorage(): GraphiQLStorage {
  try {
    return scrubbingStorage(window.localStorage);
  } catch {
    return FORGETFUL;
  }
}

// Not "no storage": GraphiQL would then use the browser's own.
const FORGETFUL: GraphiQLStorage = {
  length: 0,
  getItem: () => null,
  setItem: () => undefined,
  removeItem: () => undefined,
  clear: () => undefined,
};

export function scrubbingStorage(backing: globalThis.Storage): GraphiQLStorage {
  const ownKeys = () => Object.keys(backing).filter((key) => key.startsWith(NAMESPACE));
  return {
    get length() {
      return ownKeys().length;
    },
    getItem: (key) => backing.getItem(NAMESPACE + key),
    setItem(key, text) {
      const kept = whatMayBeKept(key, text);
      if (kept === null) backing.removeItem(NAMESPACE + key);
      else backing.setItem(NAMESPACE + key, kept);
    },
    removeItem: (key) => backing.removeItem(NAMESPACE + key),
    clear: () => ownKeys().forEach((key) => backing.removeItem(key)),
  };
}

function whatMayBeKept(key: string, text: string): string | null {
  // GraphiQL prefixes its keys with its own name and a colon.
  const name = key.slice(key.lastIndexOf(':') + 1);
  if (name === 'headers') return null;
  // These two hold the reader's own text, so a field called "headers" in it stays.
  const isWrittenByHand = name === 'query' || name === 'variables';
  return scrubValues(isWrittenByHand ? text : withoutHeadersAndResponses(text));
}

function withoutHeadersAndResponses(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (key, value: unknown) =>
      // Null and not absent: GraphiQL discards a stored tab without these fields as malformed.
      key === 'headers' || key === 'response' ? null : value,
    );
  } catch {
    return text;
  }
}
