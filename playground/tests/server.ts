// The server under test: the real binary with an empty database of its own, in a directory that goes when the test
// ends. Separate because starting it, and learning its address and first value from its output, is no test's subject.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const BINARY = resolve(process.env['ROTAKEY_BIN'] ?? '../target/debug/rotakey');

export interface RunningServer {
  origin: string;
  /** The value of the first admin token, as printed on an empty database. */
  firstValue: string;
  stop: () => Promise<void>;
}

export async function startServer(): Promise<RunningServer> {
  const directory = await mkdtemp(join(tmpdir(), 'rotakey-playground-'));
  const database = `sqlite://${join(directory, 'rotakey.db')}`;
  const child = spawn(BINARY, ['serve', '--listen', '127.0.0.1:0', '--database-url', database], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    await rm(directory, { recursive: true, force: true });
    if (log.includes('panicked')) throw new Error(`The server panicked.\n${log}`);
  };
  try {
    return { ...(await readBanner(child, () => log)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readBanner(child: ChildProcess, log: () => string): Promise<{ origin: string; firstValue: string }> {
  return new Promise((found, failed) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const origin = /listening on (http:\/\/[^\s/]+)/.exec(output)?.[1];
      const firstValue = /rk_[0-9A-Za-z]{49}/.exec(output)?.[0];
      if (origin && firstValue) found({ origin, firstValue });
    });
    child.on('error', failed);
    child.on('exit', (code) => failed(new Error(`The server ended (${code}) before it was ready.\n${log()}`)));
  });
}
