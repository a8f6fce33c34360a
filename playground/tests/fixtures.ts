// What every test starts from, and what every test also shows: a server of its own, a fresh browser, and at the end no
// request to anybody else, nothing refused by the Content-Security-Policy, and no error in the page.
import { expect, test as base, type Page } from '@playwright/test';
import { PlaygroundPage } from './page';
import { startServer, type RunningServer } from './server';

interface Fixtures {
  server: RunningServer;
  playground: PlaygroundPage;
}

export const test = base.extend<Fixtures>({
  server: async ({}, use) => {
    const server = await startServer();
    await use(server);
    await server.stop();
  },
  playground: async ({ page, server }, use) => {
    const complaints = await listenForComplaints(page, server.origin);
    const playground = new PlaygroundPage(page, server.origin);
    await playground.open();
    await use(playground);
    expect(complaints).toEqual([]);
  },
});

async function listenForComplaints(page: Page, origin: string): Promise<string[]> {
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`a request to ${request.url()}`);
  });
  page.on('pageerror', (error) => complaints.push(`an error in the page: ${error.message}`));
  page.on('console', (message) => {
    // The browser reports a 401 of the API as an error of its own; that answer is a subject of the tests.
    const isAnswerOfAPI = message.location().url === `${origin}/graphql`;
    if (message.type() === 'error' && !isAnswerOfAPI) complaints.push(`an error in the console: ${message.text()}`);
  });
  await page.exposeFunction('reportViolation', (text: string) => complaints.push(`a policy violation: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = Reflect.get(window, 'reportViolation') as (text: string) => void;
      report(`${event.effectiveDirective} refused ${event.blockedURI}`);
    });
  });
  return complaints;
}

export { expect };
