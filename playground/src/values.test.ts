import { expect, test } from 'vitest';
import { findValues, scrubValues } from './values';

const VALUE = `rk_${'aB3'.repeat(16)}z`;
const PUBLIC_VALUE = `rkpub_${'0Zy'.repeat(16)}Q`;

test('a value is found at any depth, under any alias, and once', () => {
  const data = { a: { token: { value: VALUE } }, b: [{ secret: PUBLIC_VALUE }, { value: VALUE }], c: null };
  expect(findValues(data)).toEqual([VALUE, PUBLIC_VALUE]);
});

test.each([
  ['one character short', VALUE.slice(0, -1)],
  ['one character long', `${VALUE}0`],
  ['a character outside base 62', VALUE.replace('a', '-')],
  ['a value inside other text', `the value is ${VALUE}`],
  ['the prefix alone', 'rk_'],
])('%s is not a value', (_, text) => {
  expect(findValues({ value: text })).toEqual([]);
});

test('scrubbing leaves the prefix and nothing of the secret, wherever the value stands', () => {
  expect(scrubValues(`{"a":"${VALUE}\\n${PUBLIC_VALUE}"}x${VALUE}`)).toBe('{"a":"rk_…\\nrkpub_…"}xrk_…');
});

test('two values that touch are both scrubbed', () => {
  expect(scrubValues(VALUE + VALUE)).toBe('rk_…_…');
});

test('a value cut short is scrubbed from its twentieth character on', () => {
  const cut = (length: number) => VALUE.slice(0, 'rk_'.length + length);
  expect(scrubValues(cut(19))).toBe(cut(19));
  expect(scrubValues(cut(20))).toBe('rk_…');
  expect(scrubValues(cut(21))).toBe('rk_…');
});

test.each(['network_administration', 'benchmark_internationalization', 'fork_synchronisationservice', 'rkpub_Authentication1'])(
  'the word %s is left as it is written',
  (word) => {
    expect(scrubValues(`{ ${word} }`)).toBe(`{ ${word} }`);
  },
);

test('whatever has forty letters is scrubbed, words or not', () => {
  expect(scrubValues(`rk_${'a'.repeat(39)}`)).toBe(`rk_${'a'.repeat(39)}`);
  expect(scrubValues(`rk_${'a'.repeat(40)}`)).toBe('rk_…');
});
