// The tool set itself: Chromium starts, shows a page, hears its errors, sees its faults, and draws it.
//   "$(scripts/setup/ui.sh)/node" --test services/tests/ui/browser.test.mjs        UI_SHOTS=DIR keeps the screenshot
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { open, violations } from './browser.mjs';

const pages = {
  '/': `<!doctype html><html lang="en"><title>Aging</title><body><main><h1>A/R aging</h1>
    <table><caption>By payer</caption><tr><th scope="col">Payer<th scope="col">0–30<tr><th scope="row">Harbor Health<td>$1,204.00</table>
    <button onclick="this.textContent='Opened'">Open</button></main>`,
  '/faulty': `<!doctype html><html lang="en"><title>Faulty</title><body><main><h1>Faulty</h1><img src="/favicon.ico">
    <script>console.error('a fault of the page'); throw new Error('another')</script></main>`,
};
// Chromium asks for the icon by itself; a 404 would be logged as an error of the page.
const icon = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64');

const server = createServer((request, response) => {
  const body = request.url === '/favicon.ico' ? icon : pages[request.url];
  response.writeHead(body ? 200 : 404, { 'content-type': body === icon ? 'image/gif' : 'text/html; charset=utf-8' });
  response.end(body);
});
let browser, base;

before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
  browser = await open();
});
after(async () => {
  await browser?.close();
  server.close();
});

test('a sound page has no errors and no violations, takes a click, and can be drawn', async () => {
  browser.errors.length = 0;
  await browser.page.goto(base + '/');
  await browser.page.getByRole('button', { name: 'Open' }).click();
  assert.equal(await browser.page.getByRole('button').textContent(), 'Opened');
  assert.deepEqual(await violations(browser.page), []);
  assert.deepEqual(browser.errors, []);
  const png = await browser.page.screenshot();
  assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1280, 800]);
  if (process.env.UI_SHOTS) await writeFile(join(process.env.UI_SHOTS, 'browser.png'), png);
});

test('a faulty page is noticed', async () => {
  browser.errors.length = 0;
  await browser.page.goto(base + '/faulty');
  assert.equal(browser.errors.length, 2, browser.errors.join('\n'));
  assert.match((await violations(browser.page)).join('\n'), /image-alt: /);
});
