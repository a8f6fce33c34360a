// The page on a phone: everything that a rotation takes can be read and touched.
import { expect, test } from './fixtures';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

test('a rotation can be carried out and read at phone width', async ({ playground, page, server }) => {
  await expect(playground.query).toContainText('The new value shows once.');
  // The longest line of the first tab fits beside the buttons.
  const overflow = await playground.query.locator('.view-lines').evaluate((lines) => {
    const right = (element: Element) => element.getBoundingClientRect().right;
    const texts = [...lines.querySelectorAll('.view-line > span')];
    const editor = lines.closest('.monaco-editor');
    return editor === null ? Infinity : Math.max(...texts.map(right)) - right(editor);
  });
  expect(overflow).toBeLessThanOrEqual(0);
  await playground.putIntoHeaders(server.firstValue);
  await playground.run();
  await expect(playground.answer).toContainText('"rotateAPIToken"');
  for (const part of [playground.bar, playground.query, playground.headers, playground.answer]) {
    const box = await part.boundingBox();
    expect(box?.width).toBeGreaterThan(200);
    expect(box?.height).toBeGreaterThan(60);
  }
  await expect(playground.answer).toBeInViewport({ ratio: 0.9 });
  await expect(playground.bar.getByRole('button', { name: 'Use it in the request headers' })).toBeInViewport();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
});
