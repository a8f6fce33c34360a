import { expect, test } from 'vitest';
import { chooseOperation } from './operation';

test('the operation asked for is chosen among several', () => {
  expect(chooseOperation('query a { x } subscription b { y }', 'b')).toEqual({ name: 'b', isSubscription: true });
});

test('the name left over from another tab gives way to the only operation there is', () => {
  expect(chooseOperation('query a { x }', 'rotateAPIToken')).toEqual({ name: 'a', isSubscription: false });
});

test('nothing is guessed among several, nor in a document that only the server may understand', () => {
  expect(chooseOperation('query a { x } mutation b { y }', 'c').name).toBeNull();
  expect(chooseOperation('mutation rotateAPIToken() { rotateAPIToken() { token { value } } }', null).name).toBeNull();
});
