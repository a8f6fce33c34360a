import { expect, test } from 'vitest';
import { resultsOf } from './event-stream';

function bodyOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
}

async function collect(body: ReadableStream<Uint8Array>) {
  const results = [];
  for await (const result of resultsOf(body, new AbortController())) results.push(result.data);
  return results;
}

test('results are read until the server says it is complete, however the bytes were cut', async () => {
  const body = bodyOf(': hello\n\nevent: next\nda', 'ta: {"data":{"n":1}}\n', '\nevent: next\r\ndata: {"data":\r\ndata: {"n":2}}\r\n\r\nevent: complete\n\n');
  expect(await collect(body)).toEqual([{ n: 1 }, { n: 2 }]);
});

test('stopping ends the wait for an event that never comes, without an error', async () => {
  const stop = new AbortController();
  const waiting = new ReadableStream<Uint8Array>({
    start: (controller) => stop.signal.addEventListener('abort', () => controller.error(stop.signal.reason)),
  });
  const results = resultsOf(waiting, stop);
  const next = results.next();
  await results.return?.();
  expect(await next).toEqual({ done: true, value: undefined });
});
