import { expect, test } from 'vitest';
import { replacedValues, rotatesItself } from './replaced-values';

test('an operation rotates the caller unless it names another token', () => {
  const rotates = (query: string, name?: string, variables?: unknown) => rotatesItself(query, name, variables);
  expect(rotates('mutation { rotateAPIToken { token { value } } }')).toBe(true);
  expect(rotates('mutation { again: rotateAPIToken(input: { overlapMinutes: 0 }) { token { value } } }')).toBe(true);
  expect(rotates('mutation { rotateAPIToken(input: { id: null }) { token { value } } }')).toBe(true);
  expect(rotates('mutation { rotateAPIToken(input: { id: "tok_1" }) { token { value } } }')).toBe(false);
  const byId = 'mutation r($id: ID) { rotateAPIToken(input: { id: $id }) { token { value } } }';
  expect(rotates(byId, 'r', { id: 'tok_1' })).toBe(false);
  expect(rotates(byId, 'r', {})).toBe(true);
  const byInput = 'mutation r($input: RotateAPITokenInput) { rotateAPIToken(input: $input) { token { value } } }';
  expect(rotates(byInput, 'r', { input: { id: 'tok_1' } })).toBe(false);
  expect(rotates(byInput, 'r', { input: { overlapMinutes: 0 } })).toBe(true);
  expect(rotates('mutation { createAPIToken(input: { name: "x" }) { token { value } } }')).toBe(false);
  expect(rotates(`query a { __typename } ${byId}`, 'a', {})).toBe(false);
});

test('a replaced value is held back once', () => {
  const replaced = replacedValues();
  expect(replaced.holdsBack('old')).toBe(false);
  replaced.add('old');
  expect(replaced.holdsBack('old')).toBe(true);
  expect(replaced.holdsBack('old')).toBe(false);
  expect(replaced.holdsBack('new')).toBe(false);
});
