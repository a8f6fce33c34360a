// Reads server-sent events. Subscriptions use them here because, unlike a WebSocket, such a request can carry the headers of
// the editor.
import type { ExecutionResult } from 'graphql';

/** The results in the stream, one by one, until the server says it is complete or `stop` is aborted. */
export function resultsOf(body: ReadableStream<Uint8Array>, stop: AbortController): AsyncIterableIterator<ExecutionResult> {
  const results = read(body, stop.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => results.next(),
    // A generator's own return() would wait for the next event, which may never come; aborting ends the wait.
    async return() {
      stop.abort();
      return { done: true, value: undefined };
    },
  };
}

async function* read(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<ExecutionResult, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (pending + value).split(/\r?\n\r?\n/);
      // The last piece is an event that has not arrived in full.
      pending = events.pop() ?? '';
      for (const event of events) {
        const { name, data } = parseEvent(event);
        if (name === 'complete') return;
        if (data !== '') yield JSON.parse(data) as ExecutionResult;
      }
    }
  } catch (error) {
    // The reader pressed "stop", so this is not an error to show.
    if (!signal.aborted) throw error;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(text: string): { name: string; data: string } {
  const fields = (field: string) =>
    text
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  return { name: fields('event').at(-1) ?? 'next', data: fields('data').join('\n') };
}
