// The playground as a person works with it. Separate so that the tests read as what the person does, and so that the
// knowledge of how GraphiQL and its editor are built stands in one place.
import type { Locator, Page } from '@playwright/test';

export class PlaygroundPage {
  readonly answer: Locator;
  readonly bar: Locator;
  readonly query: Locator;
  readonly headers: Locator;
  readonly variables: Locator;
  readonly suggestions: Locator;

  constructor(
    readonly page: Page,
    readonly origin: string,
  ) {
    const tools = (name: string) => page.getByRole('region', { name }).locator('.graphiql-editor:not(.hidden) .monaco-editor').first();
    this.answer = page.getByRole('region', { name: 'Result Window' });
    this.bar = page.getByRole('status').locator('.issued-value');
    this.query = page.getByRole('region', { name: 'Operation Editor' }).locator('.monaco-editor').first();
    this.headers = tools('Headers');
    this.variables = tools('Variables');
    this.suggestions = page.locator('.suggest-widget');
  }

  async open() {
    await this.page.goto(`${this.origin}/playground`);
  }

  /** Shows the documentation, and so waits until the schema has been read. */
  async openDocumentation() {
    await this.button(/^Show Documentation Explorer/).click();
    return this.page.locator('.graphiql-doc-explorer');
  }

  /** Replaces an editor's text by a paste, as a person would; typed, the editor closes brackets by itself. */
  async replace(editor: Locator, text: string) {
    await this.page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
    await editor.click();
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.press('ControlOrMeta+V');
  }

  async putIntoHeaders(value: string) {
    await this.replace(this.headers, JSON.stringify({ 'X-API-Key': value }));
  }

  async run() {
    await this.button(/^Execute query/).click();
  }

  async switchTo(tab: string) {
    await this.page.getByRole('tab', { name: tab }).getByRole('button', { name: tab }).click();
  }

  button(name: string | RegExp) {
    return this.page.getByRole('button', { name });
  }

  clipboard() {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  storedText() {
    return this.page.evaluate(() => JSON.stringify(localStorage));
  }

  /** Everything of this page that could outlive it or be seen in it, as one text to search. */
  async everythingKeptOrShown(): Promise<string> {
    const inPage = await this.page.evaluate(async () => {
      const databases = await indexedDB.databases();
      const cacheNames = await caches.keys();
      const fields = [...document.querySelectorAll('input, textarea')].map((field) => (field as HTMLInputElement).value);
      return JSON.stringify([
        { ...localStorage },
        { ...sessionStorage },
        databases,
        cacheNames,
        document.cookie,
        document.documentElement.outerHTML,
        fields,
        history.state,
        location.href,
        window.name,
      ]);
    });
    return inPage + JSON.stringify(await this.page.context().storageState({ indexedDB: true }));
  }
}
