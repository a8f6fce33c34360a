import { expect, test } from 'vitest';
import { credentialIn, headersToSend, HEADERS_PREFILL, parseHeaders, withAPIKey, withPastedValue } from './headers';

test('the prefill waits for a value and sends nothing until it has one', () => {
  expect(credentialIn(HEADERS_PREFILL)).toBe('');
  expect(headersToSend(parseHeaders(HEADERS_PREFILL))).toEqual([]);
});

test('an empty credential is left out whatever its case; other empty headers are sent', () => {
  const fields = parseHeaders('{ "x-api-KEY": " ", "Authorization": "", "X-Trace": "", "X-Count": 3, }');
  expect(headersToSend(fields)).toEqual([
    ['X-Trace', ''],
    ['X-Count', '3'],
  ]);
});

test.each(['{', '[]', '"text"', '{"a": }'])('%s is refused with a sentence', (text) => {
  expect(() => parseHeaders(text)).toThrow(/^The request headers .*\.$/);
});

test('a new value replaces every credential and keeps the other headers', () => {
  const text = '{ "authorization": "Bearer old", "X-Trace": "7", "x-api-key": "old" }';
  expect(JSON.parse(withAPIKey(text, 'new'))).toEqual({ 'X-API-Key': 'new', 'X-Trace': '7' });
});

test('a new value also goes into headers that cannot be read', () => {
  expect(JSON.parse(withAPIKey('{ "X-API-Key": ', 'new'))).toEqual({ 'X-API-Key': 'new' });
});

test('the credential is read from either header', () => {
  expect(credentialIn('{ "Authorization": "Bearer abc" }')).toBe('abc');
  expect(credentialIn('{ "X-API-KEY": "abc" }')).toBe('abc');
  expect(credentialIn('{ "X-Trace": "7" }')).toBeNull();
});

test('a value pasted beside the JSON is put where it belongs, and nothing else is moved', () => {
  const value = `rk_${'a1'.repeat(24)}b`;
  const expected = JSON.stringify({ 'X-API-Key': value }, null, 2);
  expect(withPastedValue(value)).toBe(expected);
  expect(withPastedValue(` ${value}\n`)).toBe(expected);
  expect(withPastedValue(`{"X-API-Key": ""}${value}`)).toBe(expected);
  expect(withPastedValue(`{"X-API-Key": "${value}"}`)).toBeNull();
  expect(withPastedValue(`{"X-API-Key": "${value}`)).toBeNull();
  expect(withPastedValue(`${value} ${value.replace('b', 'c')}`)).toBeNull();
  expect(withPastedValue('rk_too_short')).toBeNull();
});
