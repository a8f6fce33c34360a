import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { curlCommand } from './curl';

// A shell is the judge of quoting: `curl` becomes a function that prints its arguments, each ended by a NUL.
function argumentsSeenByShell(line: string): string[] {
  const script = `curl() { for argument in "$@"; do printf '%s\\0' "$argument"; done; }; ${line}`;
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

test('the line is one line and carries the whole request', () => {
  const line = curlCommand('http://localhost/graphql', [['X-API-Key', 'k']], {
    query: 'query a {\n  b\n}',
    variables: { n: 1 },
    operationName: 'a',
  });
  expect(line).not.toContain('\n');
  expect(argumentsSeenByShell(line)).toEqual([
    '--request',
    'POST',
    'http://localhost/graphql',
    '--header',
    'Content-Type: application/json',
    '--header',
    'X-API-Key: k',
    '--data-raw',
    '{"query":"query a {\\n  b\\n}","variables":{"n":1},"operationName":"a"}',
  ]);
});

test('quotes, dollars, backticks, backslashes and newlines reach the server as they were written', () => {
  const nasty = `it's "$HOME" \`id\` \\ $(id) ! ' '' \n #`;
  const seen = argumentsSeenByShell(curlCommand('http://localhost/graphql', [['X-Note', "o'clock $(id)"]], { query: nasty }));
  expect(JSON.parse(seen.at(-1) ?? '')).toEqual({ query: nasty });
  expect(seen).toContain("X-Note: o'clock $(id)");
});

test('a header of the person’s own wins, an empty one is sent empty, and none can smuggle in a line', () => {
  const seen = argumentsSeenByShell(
    curlCommand('http://localhost/graphql', [['content-type', 'a/b'], ['X-Empty', ''], ['X-Two', 'a\r\nb']], { query: '{a}' }),
  );
  expect(seen.filter((argument) => /^(content-type|x-)/i.test(argument))).toEqual(['content-type: a/b', 'X-Empty;', 'X-Two: a b']);
});
