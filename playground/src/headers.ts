// The text of the request-headers editor, read and rewritten. Separate because the same rules serve the request that is
// sent, the curl line that repeats it, and the button that puts a new value in. It knows no editor: text in, text out.
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import { findValueIn } from './values';

export type HeaderFields = Record<string, unknown>;

/** What the editor holds at first: the name is there, so that only the value has to be pasted. */
export const HEADERS_PREFILL = headersText({ 'X-API-Key': '' });

/** The object in the editor's text; an error with a sentence for the reader when it is not one. */
export function parseHeaders(text: string): HeaderFields {
  if (text.trim() === '') return {};
  const errors: ParseError[] = [];
  const parsed: unknown = parse(text, errors, { allowTrailingComma: true });
  const first = errors[0];
  if (first) throw new Error(`The request headers are not valid JSON (${printParseErrorCode(first.error)}).`);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Error('The request headers must be a JSON object.');
  }
  return { ...parsed };
}

/**
 * The fields that go on the wire. An empty X-API-Key or Authorization is left out: sent, it would be a bad credential
 * and the whole request a 401, where the person meant to be anonymous.
 */
export function headersToSend(fields: HeaderFields): [name: string, value: string][] {
  return Object.entries(fields)
    .map(([name, value]): [string, string] => [name, typeof value === 'string' ? value.trim() : JSON.stringify(value)])
    .filter(([name, value]) => !(isCredential(name) && value === ''));
}

/** The credential in the text: `''` for a field that waits to be filled in, null for none or unreadable text. */
export function credentialIn(text: string): string | null {
  return credentialAmong(readable(text));
}

/** As `credentialIn`, of headers that were read already. */
export function credentialAmong(fields: HeaderFields): string | null {
  const name = Object.keys(fields).find(isCredential);
  if (name === undefined) return null;
  const value = fields[name];
  return typeof value === 'string' ? value.replace(/^Bearer\s+/i, '').trim() : null;
}

/** The text with `value` as the one credential; other headers stay, unreadable text is replaced. */
export function withAPIKey(text: string, value: string): string {
  const others = Object.entries(readable(text)).filter(([name]) => !isCredential(name));
  return headersText({ 'X-API-Key': value, ...Object.fromEntries(others) });
}

/**
 * The text with a value that was pasted beside the JSON put where it belongs; null where there is none such, and the text
 * is to stay as it is.
 */
export function withPastedValue(text: string): string | null {
  const value = findValueIn(text);
  if (value === null) return null;
  const rest = text.replace(value, '');
  try {
    parseHeaders(text);
    return null;
  } catch {
    try {
      parseHeaders(rest);
    } catch {
      return null;
    }
    return withAPIKey(rest, value);
  }
}

function isCredential(name: string): boolean {
  return ['x-api-key', 'authorization'].includes(name.toLowerCase());
}

function readable(text: string): HeaderFields {
  try {
    return parseHeaders(text);
  } catch {
    return {};
  }
}

function headersText(fields: HeaderFields): string {
  return JSON.stringify(fields, null, 2);
}
