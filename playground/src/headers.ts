// Reads and rewrites the text of the request-headers editor. Separate because the same rules apply to the request, the curl
// line and the button that inserts a new value. It knows no editor: text in, text out.
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import { findValueIn } from './values';

export type HeaderFields = Record<string, unknown>;

/** The initial text of the editor. The name is there, so you only have to paste the value. */
export const HEADERS_PREFILL = headersText({ 'X-API-Key': '' });

/** The object in the editor's text. Throws an error with a message for the reader if it is not one. */
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
 * The headers to send. An empty X-API-Key or Authorization is left out, because the reader means to send no credential.
 */
export function headersToSend(fields: HeaderFields): [name: string, value: string][] {
  return Object.entries(fields)
    .map(([name, value]): [string, string] => [name, typeof value === 'string' ? value.trim() : JSON.stringify(value)])
    .filter(([name, value]) => !(isCredential(name) && value === ''));
}

/** The credential in the text: `''` for an empty field, null if there is no field or the text is not valid. */
export function credentialIn(text: string): string | null {
  return credentialAmong(readable(text));
}

/** Like `credentialIn`, for parsed headers. */
export function credentialAmong(fields: HeaderFields): string | null {
  const name = Object.keys(fields).find(isCredential);
  if (name === undefined) return null;
  const value = fields[name];
  return typeof value === 'string' ? value.replace(/^Bearer\s+/i, '').trim() : null;
}

/** The text with `value` as the only credential. Other headers stay; text that is not valid is replaced. */
export function withAPIKey(text: string, value: string): string {
  const others = Object.entries(readable(text)).filter(([name]) => !isCredential(name));
  return headersText({ 'X-API-Key': value, ...Object.fromEntries(others) });
}

/**
 * The text with a value that was pasted beside the JSON moved to its header; null if there is no such value, and the text
 * should stay as it is.
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
