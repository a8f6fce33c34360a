// Makes a database of better-auth with its plugin for API keys, at the URL in the first argument, and prints the keys as JSON.
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';

const database = new pg.Pool({ connectionString: process.argv[2] });
const auth = betterAuth({
  database,
  baseURL: 'http://127.0.0.1',
  secret: 'a secret of this test, which is long enough',
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  plugins: [apiKey({ defaultPrefix: 'ba_' })],
});
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const body = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' };
const { user } = await auth.api.signUpEmail({ body });
const of = (more) => auth.api.createApiKey({ body: { userId: user.id, ...more } });
const [named, unnamed] = [await of({ name: 'billing', expiresIn: 7 * 24 * 3600 }), await of({})];
const disabled = await of({ name: 'disabled' });
await auth.api.updateApiKey({ body: { keyId: disabled.id, userId: user.id, enabled: false } });
console.log(JSON.stringify({ good: [named.key, unnamed.key], bad: [disabled.key], header: 'X-API-Key' }));
await database.end();
