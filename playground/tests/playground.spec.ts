import { execFileSync } from 'node:child_process';
import { expect, test } from './fixtures';

test('a person rotates, reads the new value once, goes on with it, and no value outlives the page', async ({
  playground,
  server,
}) => {
  const { page, bar, answer, headers } = playground;
  await expect(playground.query).toContainText('mutation rotateAPIToken');
  await expect(headers).toContainText('"X-API-Key": ""');
  await playground.putIntoHeaders(server.firstValue);
  await playground.run();
  await expect(bar).toContainText('New value of the API token — shown once.');
  const newValue = (await bar.locator('code').textContent()) ?? '';
  expect(newValue).toMatch(/^rk_[0-9A-Za-z]{49}$/);
  expect(newValue).not.toBe(server.firstValue);

  await bar.getByRole('button', { name: 'Copy' }).click();
  await expect(bar).toContainText('Copied.');
  expect(await playground.clipboard()).toBe(newValue);
  await bar.getByRole('button', { name: 'Use it in the request headers' }).click();
  await expect(headers).toContainText(`"X-API-Key": "${newValue}"`);
  await bar.getByRole('button', { name: 'Dismiss' }).click();
  await expect(bar).toHaveCount(0);

  await playground.switchTo('currentAPIToken');
  await expect(headers).toContainText(newValue);
  await playground.run();
  await expect(answer).toContainText('"status": "ACTIVE"');
  await expect(answer).toContainText('"generation": 2');

  // Values pasted where GraphiQL does remember: the test waits until they have been written, and were scrubbed.
  await playground.button('Variables').click();
  await playground.replace(playground.variables, JSON.stringify({ pasted: newValue }));
  await playground.replace(playground.query, `# ${server.firstValue}\nquery scrubbed { currentAPIToken { id } }`);
  const remembered = async () => {
    const stored = JSON.parse(await playground.storedText()) as Record<string, string>;
    return Object.entries(stored).filter(([key, text]) => /:(query|variables|tabState)$/.test(key) && text.includes('rk_…')).length;
  };
  await expect.poll(remembered).toBe(3);
  await expect.poll(playground.storedText.bind(playground)).toMatch(/tabState.*scrubbed.*pasted/);

  await page.reload();
  await expect(playground.query).toContainText('query scrubbed');
  await expect(headers).toContainText('"X-API-Key": ""');
  await expect(bar).toHaveCount(0);
  const everything = await playground.everythingKeptOrShown();
  expect(everything).toContain('rk_…');
  for (const value of [server.firstValue, newValue]) expect(everything).not.toContain(value.slice(3, 23));

  await playground.switchTo('rotateAPIToken');
  await expect(playground.query).toContainText('mutation rotateAPIToken');
  await expect(headers).toContainText('"X-API-Key": ""');
  await expect(answer).not.toContainText('value');
});

test('all of it comes from one origin, under a policy that allows no other, and works without the network', async ({
  playground,
  page,
}) => {
  for (const path of ['/playground', '/playground/']) {
    const response = await page.request.get(playground.origin + path);
    expect(response.status()).toBe(200);
    const policy = response.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe-eval|blob:|https?:|\*/);
    expect(policy.match(/script-src [^;]*/)?.[0]).toBe("script-src 'self'");
  }
  // That nothing was refused and nobody else was asked is checked at the end of every test; here all panes are used.
  const documentation = await playground.openDocumentation();
  await expect(documentation).toContainText('Mutation');
  await playground.replace(playground.query, '{currentAPIToken{id}}');
  await playground.button(/^Prettify/).click();
  await playground.button('Open settings dialog').click();
  await expect(page.getByRole('dialog')).not.toContainText('Persist headers');
  await page.keyboard.press('Escape');
  await playground.run();
  await expect(playground.answer).toContainText('UNAUTHENTICATED');
});

test('the copied curl line does in a shell what the run button does', async ({ playground, server }) => {
  await playground.putIntoHeaders(server.firstValue);
  const query = `# it's "quoted" \\ $HOME\nquery named($yes: Boolean!) {\n  currentAPIToken { status @include(if: $yes) }\n}`;
  await playground.replace(playground.query, query);
  await playground.button('Variables').click();
  await playground.replace(playground.variables, '{"yes": true}');
  await playground.button(/^Copy as curl/).click();
  await expect(playground.button('Copied as curl')).toBeVisible();
  const line = await playground.clipboard();
  expect(line).toContain(`'${playground.origin}/graphql'`);
  const answer = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  expect(JSON.parse(answer)).toEqual({ data: { currentAPIToken: { status: 'ACTIVE' } } });
});

test('headers that are not JSON are neither sent nor copied', async ({ playground }) => {
  await playground.replace(playground.headers, '{ "X-API-Key": ');
  await playground.run();
  await expect(playground.answer).toContainText('Request not sent. Request headers');
  await playground.button(/^Copy as curl/).click();
  await expect(playground.button(/^Not copied\. The request headers are not valid JSON/)).toBeVisible();
});

test('prettify puts each field on its own line', async ({ playground }) => {
  await playground.replace(playground.query, '{currentAPIToken{id name}}');
  await playground.button(/^Prettify/).click();
  await expect(playground.query.locator('.view-line')).toHaveText(['{', 'currentAPIToken {', 'id', 'name', '}', '}', '']);
});

test('the documentation finds the rotation by a part of its name', async ({ playground }) => {
  const documentation = await playground.openDocumentation();
  await expect(documentation).toContainText('Mutation');
  await documentation.getByRole('combobox').click();
  await playground.page.keyboard.type('rotate');
  await expect(documentation.getByRole('option').filter({ hasText: 'rotateAPIToken' }).first()).toBeVisible();
});

test('the query editor offers the fields of the schema', async ({ playground, page }) => {
  await expect(await playground.openDocumentation()).toContainText('Mutation');
  await playground.replace(playground.query, ' ');
  await page.keyboard.type('{ currentAPIToken { gener');
  await expect(playground.suggestions).toContainText('generation');
});

test('a bad value in the headers shows the answer of the server, no bar, and leaves the documentation alone', async ({
  playground,
}) => {
  await playground.putIntoHeaders(`rk_${'0'.repeat(49)}`);
  await playground.run();
  await expect(playground.answer).toContainText('"code": "UNAUTHENTICATED"');
  await expect(playground.bar).toHaveCount(0);
  await playground.button(/^Re-fetch GraphQL schema/).click();
  await expect(await playground.openDocumentation()).toContainText('Mutation');
});
