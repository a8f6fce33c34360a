// A value that was replaced, and one that was pasted bare: what people do first, and how the page helps.
import { expect, test } from './fixtures';

test('running with a replaced value is held back once, and says what to do', async ({ playground, server }) => {
  const { bar, answer, headers } = playground;
  await playground.putIntoHeaders(server.firstValue);
  await playground.run();
  await expect(bar).toHaveCount(1);
  await expect(answer).toContainText('"value"');
  await playground.run();
  await expect(answer).toContainText('Not sent: the request headers contain a value that a rotation has replaced.');
  await expect(bar).toHaveCount(1);
  await bar.getByRole('button', { name: 'Use it in the request headers' }).click();
  await expect(headers).not.toContainText(server.firstValue);
  await playground.run();
  await expect(bar).toHaveCount(2);
});

test('whoever means it runs again with the replaced value', async ({ playground, server }) => {
  const { bar, answer } = playground;
  await playground.putIntoHeaders(server.firstValue);
  await playground.run();
  await expect(bar).toHaveCount(1);
  await playground.run();
  await expect(answer).toContainText('Not sent');
  await playground.run();
  await expect(answer).toContainText('ROTATION_CONFLICT');
});

test('a value pasted bare becomes the X-API-Key header', async ({ playground, server }) => {
  await playground.replace(playground.headers, server.firstValue);
  await expect(playground.headers).toContainText(`"X-API-Key": "${server.firstValue}"`);
  await playground.run();
  await expect(playground.bar).toHaveCount(1);
});

test('a value pasted behind the prefilled headers finds its place', async ({ playground, server }) => {
  await playground.replace(playground.headers, `{\n  "X-API-Key": ""\n}${server.firstValue}`);
  await expect(playground.headers).toContainText(`"X-API-Key": "${server.firstValue}"`);
});
