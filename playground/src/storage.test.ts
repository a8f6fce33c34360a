import { beforeEach, expect, test } from 'vitest';
import { scrubbingStorage } from './storage';

const VALUE = `rk_${'aB3'.repeat(16)}z`;

// The browser's storage keeps its entries as own properties; this is as much of it as the filter uses.
function backingStorage(): Storage {
  const entries: Record<string, string> = {};
  const methods = {
    getItem: (key: string) => entries[key] ?? null,
    setItem: (key: string, text: string) => void (entries[key] = text),
    removeItem: (key: string) => void delete entries[key],
  };
  return new Proxy(entries, {
    get: (target, key) => Reflect.get(methods, key) ?? Reflect.get(target, key),
  }) as unknown as Storage;
}

let backing: Storage;
beforeEach(() => {
  backing = backingStorage();
});
const everythingStored = () => JSON.stringify(backing);

test('the headers are never stored, and what was there before is removed', () => {
  const storage = scrubbingStorage(backing);
  backing.setItem('rotakey-playground:graphiql:headers', 'from another time');
  storage.setItem('graphiql:headers', '{"X-API-Key":"anything"}');
  expect(everythingStored()).toBe('{}');
});

test('tabs are stored without headers and answers, and can still be read back', () => {
  const storage = scrubbingStorage(backing);
  const tab = { id: '1', title: 't', query: '{ a }', headers: '{"Authorization":"secret"}', response: '{"data":1}' };
  storage.setItem('graphiql:tabState', JSON.stringify({ activeTabIndex: 0, tabs: [tab] }));
  expect(JSON.parse(storage.getItem('graphiql:tabState') ?? '')).toEqual({
    activeTabIndex: 0,
    tabs: [{ ...tab, headers: null, response: null }],
  });
});

test.each(['graphiql:variables', 'graphiql:query', 'graphiql:tabState', 'graphiql:queries'])(
  'a value never reaches %s',
  (key) => {
    scrubbingStorage(backing).setItem(key, JSON.stringify({ input: { value: VALUE } }));
    expect(everythingStored()).not.toContain(VALUE.slice(3));
    expect(everythingStored()).toContain('rk_…');
  },
);

test('a variable that happens to be called "headers" is kept', () => {
  const storage = scrubbingStorage(backing);
  storage.setItem('graphiql:variables', '{"headers": "mine"}');
  expect(storage.getItem('graphiql:variables')).toBe('{"headers": "mine"}');
});

test('clearing removes the entries of the playground and no others', () => {
  const storage = scrubbingStorage(backing);
  backing.setItem('console:theme', 'dark');
  storage.setItem('graphiql:theme', 'light');
  expect(storage.length).toBe(1);
  storage.clear();
  expect(everythingStored()).toBe('{"console:theme":"dark"}');
});
