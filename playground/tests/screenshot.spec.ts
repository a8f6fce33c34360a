// The picture in the README: the page after a rotation. It is compared with what the page looks like now, so that it does
// not grow old; `npm run screenshot` takes it anew. The answer is a sample, because a real value differs each time.
import { expect, test } from './fixtures';

const SAMPLE = 'rk_4fTqM0cZbY7uVw2sXeR9aLkJ3hGd6nPoI1yUtE5rQzWxCvB00';
const OLD = 'rk_9aLkJ3hGd6nPoI1yUtE5rQzWxCvB4fTqM0cZbY7uVw2sXeR00';

test.use({ viewport: { width: 1280, height: 720 } });

test('the page after a rotation looks like the picture in the README', async ({ playground, page }) => {
  await page.route('**/graphql', (route) =>
    route.request().postData()?.includes('mutation rotateAPIToken')
      ? route.fulfill({ json: { data: { rotateAPIToken: { token: { value: SAMPLE } } } } })
      : route.fallback(),
  );
  await playground.replace(playground.headers, OLD);
  await playground.run();
  await expect(playground.bar).toContainText(SAMPLE);
  await expect(playground.answer).toContainText(SAMPLE.slice(0, 20));
  await playground.bar.getByRole('button', { name: 'Copy' }).focus();
  await expect(page).toHaveScreenshot('playground.png', { maxDiffPixelRatio: 0.05, animations: 'disabled', caret: 'hide' });
});
