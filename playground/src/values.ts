// What a token's value looks like, and how to find one. Separate because three places must agree on it: the bar that
// shows a new value, the storage that must never keep one, and the tests of both.

const WHOLE_VALUE = /^rk(?:pub)?_[0-9A-Za-z]{49}$/;

// Deliberately looser than the format, like the rule of the server's messages (src/domain/value/redact.rs): a value cut short by an
// editor is still most of a secret. Twenty random letters have a digit and both cases; a word such as network_administration
// has not, and nothing of forty letters is a word. The prefix is looked back at, for it may be the end of another value.
const MOST_OF_A_VALUE =
  /(?<=rk(?:pub)?_)(?:[0-9A-Za-z]{40,}|(?=[A-Za-z]*[0-9])(?=[0-9a-z]*[A-Z])(?=[0-9A-Z]*[a-z])[0-9A-Za-z]{20,})/g;

/** Every whole value in `data`, at any depth, in the order met and without repetition. */
export function findValues(data: unknown): string[] {
  const found = new Set<string>();
  const waiting: unknown[] = [data];
  while (waiting.length > 0) {
    const next = waiting.shift();
    // The field may have been renamed by an alias, so the string decides, not its key.
    if (typeof next === 'string' && WHOLE_VALUE.test(next)) found.add(next);
    if (typeof next === 'object' && next !== null) waiting.push(...Object.values(next));
  }
  return [...found];
}

/** The one whole value that stands by itself in a text; null for none, or for more than one. */
export function findValueIn(text: string): string | null {
  const words = text.split(/[^0-9A-Za-z_]+/).filter((word) => WHOLE_VALUE.test(word));
  return words.length === 1 ? (words[0] ?? null) : null;
}

/** The text with every value, and whatever may be most of one, reduced to its prefix. */
export function scrubValues(text: string): string {
  return text.replace(MOST_OF_A_VALUE, '…');
}
