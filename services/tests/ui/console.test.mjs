// The console in a real browser: every page in light and dark, without errors, violations or a horizontal scroll bar, and the way from a bar to the bytes by keyboard alone.
//   BASE_URL=http://127.0.0.1:8080 UI_EMAIL=… UI_PASSWORD=… [UI_SHOTS=DIR] "$(scripts/setup/ui.sh)/node" --test services/tests/ui/console.test.mjs
// go test ./services/tests/ui runs it on made-up books; it runs on any platform with some claims in it.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { open, violations } from './browser.mjs';

const base = process.env.BASE_URL;
const shots = process.env.UI_SHOTS;
assert.ok(base && process.env.UI_EMAIL && process.env.UI_PASSWORD, 'set BASE_URL, UI_EMAIL and UI_PASSWORD');
if (shots) await mkdir(shots, { recursive: true });

async function signIn(page) {
  await page.goto(base + '/sign-in');
  await page.getByLabel('E-mail address').fill(process.env.UI_EMAIL);
  await page.getByLabel('Password').fill(process.env.UI_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(base + '/');
}

// first is the address that the first link of that kind on a page leads to; null when there is none.
async function first(page, path, selector) {
  await page.goto(base + path);
  const link = page.locator(selector).first();
  return (await link.count()) ? new URL(await link.getAttribute('href'), base).href.slice(base.length) : null;
}

// visits are the pages to look at: lists by their address, the others by the first link to one.
async function visits(page) {
  // A claim with a leg that a file told.
  let claim, account, event;
  for (const list of ['/receivables', '/claims?status=adjudicated', '/claims?status=closed']) {
    claim = await first(page, list, 'main .rows tbody th a[href^="/claims/"]');
    account = claim && (await first(page, claim, 'main a[href^="/accounts/"]'));
    event = account && (await first(page, account, '#legs tbody tr:has(a[href^="/interchanges/"]) th a'));
    if (event) break;
  }
  const found = {
    dashboard: '/',
    'dashboard-past': '/?as_of=2026-02-01',
    receivables: '/receivables',
    'receivables-rows': await first(page, '/', '#aging-payer svg a[href*="age="]'),
    denials: '/denials',
    'denials-reasons': '/denials?by=carc',
    claims: '/claims',
    'claims-largest': '/claims?order=-charged',
    'claims-held': '/claims?status=held',
    'claims-nothing': '/claims?status=reversed&age=121%2B&payer=nobody',
    claim,
    'claim-held': await first(page, '/claims?status=held', 'main .rows tbody th a'),
    'claim-denied': await first(page, '/claims?status=denied', 'main .rows tbody th a'),
    account,
    event,
    payers: '/payers',
    ledger: '/ledger',
    'ledger-account': await first(page, '/ledger', 'main .rows tbody th a'),
    remittances: '/remittances',
    remittance: await first(page, '/remittances?status=balanced', 'main .rows tbody th a'),
    'remittance-quarantined': await first(page, '/remittances?status=quarantined', 'main .rows tbody th a'),
    deposits: '/deposits',
    files: '/interchanges',
    file: await first(page, '/remittances?status=balanced', 'main .rows tbody th a').then((to) => to && first(page, to, 'main .facts a[href^="/interchanges/"]')),
    'work-items': '/work-items',
    'work-items-all': '/work-items?state=all',
    'work-item': await first(page, '/work-items', 'main .rows tbody th a'),
    'work-item-denial': await first(page, '/work-items?kind=denial', 'main .rows tbody th a'),
    'work-items-denial': '/work-items?kind=denial',
    patient: account && (await first(page, account, 'main a[href^="/patients/"]')),
    kpi: await first(page, '/', '.tile h2 a'),
    'work-item-query': await first(page, '/work-items?kind=coder_query', 'main .rows tbody th a'),
    deposit: await first(page, '/deposits', 'main .rows tbody th a[href^="/deposits/"]'),
    'claim-silent': await first(page, '/claims?status=submitted', 'main .rows tbody th a'),
    'filter-unknown': '/claims?status=lost',
    help: '/help',
    search: '/search?q=nothing-of-this-name',
    missing: '/claims/clm_nothing',
  };
  found['claims-search'] = '/claims?number=E0000000000000000';
  found.encounter = found['work-item-query'] && (await first(page, found['work-item-query'], 'main a[href^="/encounters/"]'));
  found.appointment = await first(page, '/work-items?kind=visit_held', 'main .rows tbody th a').then((to) => to && first(page, to, 'main a[href^="/appointments/"]'));
  found['patient-payment'] = found.patient && (await first(page, found.patient, '#payments tbody th a'));
  found.statement = found.patient && (await first(page, found.patient, 'main a[href^="/statements/"]'));
  return Object.entries(found).filter(([, path]) => path);
}

for (const colorScheme of ['light', 'dark']) {
  describe(`every page, ${colorScheme}`, () => {
    let browser;
    before(async () => {
      browser = await open({ colorScheme });
      await browser.context.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI)));
    });
    after(() => browser?.close());

    test('sign-in', async () => {
      await browser.page.goto(base + '/sign-in');
      if (shots) await browser.page.screenshot({ path: join(shots, `sign-in-${colorScheme}.png`) });
      assert.deepEqual(await violations(browser.page), []);
      await signIn(browser.page);
    });

    test('no errors, no violations, no horizontal scroll', async () => {
      const wrong = [];
      const seen = [];
      for (const [name, path] of await visits(browser.page)) {
        browser.errors.length = 0;
        const answer = await browser.page.goto(base + path);
        const want = name === 'missing' ? 404 : 200;
        if (answer.status() !== want) wrong.push(`${name} ${path}: HTTP ${answer.status()}`);
        await browser.page.waitForLoadState('networkidle');
        if (shots) await browser.page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`), fullPage: process.env.UI_FULL === '1' });
        // The browser itself logs a page that is not there.
        for (const e of browser.errors) if (want === 200 || !e.includes('404')) wrong.push(`${name} ${path}: ${e}`);
        for (const v of await violations(browser.page)) wrong.push(`${name} ${path}: ${v}`);
        for (const width of [1280, 1265]) { // without and with a scroll bar beside the page
          await browser.page.setViewportSize({ width, height: 800 });
          const over = await browser.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          if (over > 0) wrong.push(`${name} ${path}: ${over} pixels wider than a window of ${width}`);
        }
        await browser.page.setViewportSize({ width: 1280, height: 800 });
        seen.push(name);
      }
      assert.deepEqual(wrong, []);
      assert.ok(seen.includes('claim') && seen.includes('account') && seen.includes('event'), 'saw ' + seen);
      console.log(`${colorScheme}: ${seen.length} pages: ${seen.join(' ')}`);
    });
  });
}

// Each form: what is refused stands at its field with what was typed, then what is right is done. By keyboard alone. On the made-up books, whose services know what to refuse.
const commands = [
  { name: 'release', page: () => '/claims/clm_00000003', act: 'Release as it is', wrong: { Because: 'said twice' }, says: 'The claim is not held', right: { Because: 'the payer takes it by telephone' }, done: 'The claim was released.' },
  { name: 'status-report', page: (p) => first(p, '/claims?status=submitted', 'main .rows tbody th a'), act: 'Report what the payer says', wrong: { 'The payer has': 'CLAIM_FINDING_ON_FILE', 'Who said so, and how': 'Ann, by telephone' }, at: "Payer's claim number, where on file", says: 'On file under which number?', right: { "Payer's claim number, where on file": 'HH778', 'The payer has': 'CLAIM_FINDING_ON_FILE', 'Who said so, and how': 'Ann, by telephone' }, done: 'What the payer says was recorded.' },
  { name: 'correct', page: (p) => first(p, '/claims?status=denied', 'main .rows tbody th a'), act: 'Correct', wrong: { 'Place of service': '00', Because: 'the modifier' }, at: 'Place of service', says: '00 is no place of service', right: { 'Place of service': '11', 'Modifiers of': '95', Because: 'the modifier' }, done: 'The claim was corrected.' },
  { name: 'void', page: (p) => first(p, '/claims?status=submitted', 'main .rows tbody th a'), act: 'Void', wrong: { Because: 'signed by mistake' }, says: 'The payer has version 1', right: { Because: 'signed by mistake' }, rightPage: (p) => first(p, '/claims?status=denied', 'main .rows tbody th a'), done: 'The claim was taken back.' },
  { name: 'coder-answer', page: () => '/encounters/enc_query001', act: 'Answer the query', wrong: { Answer: 'no_bill', 'Code of the primary line': '90832' }, at: 'Code of the primary line', says: 'Nothing is billed, and a code is given', right: { Answer: 'no_bill', 'Code of the primary line': '', Note: 'too short' }, done: 'The query was answered.' },
  { name: 'no-show', page: () => '/appointments/apt_today', wrongPage: () => '/appointments/apt_later', act: 'No-show', wrong: {}, says: 'wait for its day', right: { Because: 'nobody came' }, done: 'The no-show was recorded.' },
  { name: 'cancel', page: () => '/appointments/apt_later', act: 'Cancel', wrong: { Because: 'after it began' }, says: 'The patient came', right: { Because: 'ill' }, done: 'The visit was cancelled.' },
  { name: 'accept', page: followed, act: 'Accept the underpayment', wrong: { Because: 'said twice' }, at: 'Line, and what is in dispute', says: 'Nothing is in dispute', right: { Because: 'too little to argue about' }, done: 'What was in dispute was given up.' },
  { name: 'charge', page: () => '/accounts/enc_00000007', act: 'Take the charge off', wrong: { Because: 'said twice' }, says: 'The charge was taken off before', right: { Because: 'signed by mistake' }, done: 'The charge was taken off.' },
  { name: 'payment', page: async (p) => first(p, await followed(p), 'main a[href^="/patients/"]'), act: 'Record a payment', wrong: { 'Amount in dollars': '25', 'Paid on': '2026-03-20' }, at: 'Paid on', says: 'Mar 20, 2026 has not come yet', right: { 'Amount in dollars': '25', 'Paid on': '2026-03-16' }, done: 'The payment was recorded.' },
  { name: 'refund', page: () => '/patient-payments/ppm_1', act: 'Refund', wrong: { 'Amount in dollars': '20.00', Because: 'moved away' }, at: 'Amount in dollars', says: '$20.00 asked, $15.00 is held', right: { 'Amount in dollars': '15.00', Because: 'moved away' }, done: 'The refund was recorded.' },
  { name: 'payment-reversal', page: () => '/patient-payments/ppm_2', act: 'Take it back', wrong: { Because: 'said twice' }, says: 'The payment was taken back before', right: { Because: 'the check bounced' }, done: 'The payment was taken back.' },
  { name: 'deposit-reversal', page: () => '/deposits/dep_2', act: 'Take it back', wrong: { Because: 'said twice' }, says: 'The deposit was taken back before', right: { Because: 'recorded by mistake' }, done: 'The deposit was taken back.' },
  { name: 'deposit', page: () => '/deposits', act: 'Record a deposit that the bank shows', wrong: { 'Trace or check number': 'T1', 'Amount in dollars': 'twelve' }, at: 'Amount in dollars', says: 'write it as 1,234.50', right: { 'Trace or check number': 'T1', 'Amount in dollars': '12' }, done: 'The deposit was recorded.' },
];

// followed is the account whose events are there.
async function followed(page) {
  const claim = await first(page, '/receivables', 'main .rows tbody th a[href^="/claims/"]');
  return first(page, claim, 'main a[href^="/accounts/"]');
}

// send opens a form of a page by keyboard, types into it and sends it.
async function send(page, act, typed) {
  const summary = page.locator('summary', { hasText: new RegExp(`^${act}$`) });
  let form = page.locator('section.form', { has: page.getByRole('heading', { name: act }) });
  if (await summary.count()) {
    form = page.locator('.act', { has: summary });
    await summary.focus();
    if (!(await form.evaluate((d) => d.open))) await page.keyboard.press('Enter');
  }
  for (const [label, value] of Object.entries(typed)) {
    const field = form.getByLabel(label).first();
    if (await field.evaluate((e) => e.tagName === 'SELECT')) await field.selectOption(value);
    else await field.fill(value);
  }
  await form.getByRole('button').last().focus();
  await page.keyboard.press('Enter');
  return form;
}

for (const colorScheme of process.env.UI_BOOKS === 'made-up' ? ['light', 'dark'] : []) {
  describe(`forms, ${colorScheme}`, () => {
    let browser, page;
    before(async () => {
      browser = await open({ colorScheme });
      page = browser.page;
      page.setDefaultTimeout(10_000);
      await signIn(page);
    });
    after(() => browser?.close());
    for (const c of commands) {
      test(c.name, async () => {
        await page.goto(base + (await (c.wrongPage ?? c.page)(page)));
        const at = page.url();
        let form = await send(page, c.act, c.wrong);
        await page.locator('.wrong[role=alert]').waitFor();
        assert.ok((await form.textContent()).includes(c.says), 'the form says ' + (await form.textContent()));
        assert.ok((await form.locator('.wrong').textContent()).includes('Nothing was changed.'));
        if (c.at) {
          const field = form.getByLabel(c.at).first();
          assert.equal(await field.getAttribute('aria-invalid'), 'true');
          assert.ok((await page.locator('#' + (await field.getAttribute('aria-describedby'))).textContent()).includes(c.says));
          assert.ok(await field.evaluate((e) => e === document.activeElement), 'the field that is wrong has not the focus');
        }
        for (const [label, value] of Object.entries(c.wrong)) assert.equal(await form.getByLabel(label).first().inputValue(), value, label + ' was forgotten');
        assert.deepEqual(await violations(page), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
        if (shots) await page.screenshot({ path: join(shots, `form-${c.name}-${colorScheme}.png`) });
        if (colorScheme === 'light') return; // what is right is done once
        const right = c.rightPage ? base + (await c.rightPage(page)) : c.wrongPage ? base + (await c.page(page)) : null;
        if (right) await page.goto(right);
        await send(page, c.act, c.right);
        await page.getByText(c.done).waitFor();
        assert.deepEqual(await violations(page), []);
        assert.equal(new URL(page.url()).pathname, new URL(right ?? at).pathname);
      });
    }
  });
}

describe('without a mouse', () => {
  let browser, page;
  before(async () => {
    browser = await open();
    page = browser.page;
    await signIn(page);
  });
  after(() => browser?.close());

  // tabTo presses Tab until the focus is on what is looked for, as somebody without a mouse does.
  async function tabTo(selector) {
    for (let i = 0; i < 150; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
    }
    assert.fail(`Tab does not reach ${selector}`);
  }
  async function enter(url) {
    await page.keyboard.press('Enter');
    await page.waitForURL(url);
  }

  test('from a bar of the dashboard to the bytes of the file in five steps', async () => {
    await page.goto(base + '/');
    const steps = [];
    // What patients owe was told by a payer's file: the oldest of it.
    const oldest = await page.locator('#aging-payer svg a[href*="payer=patient"][href*="age="]').last().getAttribute('href');
    await tabTo(`#aging-payer svg a[href="${oldest}"]`);
    await enter(/\/receivables\?.*age=/);
    steps.push('rows');
    await page.keyboard.press('j');
    await enter(/\/(claims\/clm_|accounts\/)/);
    if (page.url().includes('/claims/')) { // what a patient owes of a visit without a claim leads to its account at once
      steps.push('claim');
      await tabTo('main a[href^="/accounts/"]');
      await enter(/\/accounts\//);
    }
    steps.push('account');
    // A leg that a file told: its amount leads to the event, which shows the bytes.
    const leg = await page.locator('#legs tbody tr', { has: page.locator('a[href^="/interchanges/"]') }).first().locator('th a').getAttribute('href');
    await tabTo(`#legs th a[href="${leg}"]`);
    await enter(/\/events\/posting\/account\//);
    steps.push('leg: its event and the bytes');
    assert.ok((await page.locator('.bytes .mark mark').first().textContent()).length > 3, 'no bytes are marked');
    await tabTo('#bytes .more a');
    await enter(/\/interchanges\/.*offset=/);
    steps.push('segment in its file');
    assert.ok(await page.locator('#hit mark').count(), 'the segment is not marked in its file');
    assert.ok(await page.locator('#hit').isVisible());
    assert.ok(steps.length <= 5, steps.join(', '));
  });

  test('the keys of the help do what it says', async () => {
    await page.goto(base + '/');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    assert.ok(await page.locator('#keys').isVisible());
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    for (const [key, path] of [['c', '/claims'], ['a', '/receivables'], ['w', '/work-items'], ['d', '/']]) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForURL(base + path);
    }
    await page.goto(base + '/claims');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('main .rows tbody tr')].indexOf(document.activeElement.closest('tr'))), 1);
    await page.keyboard.press('k');
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('main .rows tbody tr')].indexOf(document.activeElement.closest('tr'))), 0);
  });

  test('the first Tab skips the menu, the focus is always seen, and nothing holds it', async () => {
    await page.goto(base + '/claims');
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().top >= 0), 'the skip link is not first, or not seen');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement.closest('main')), 'the skip link leads elsewhere');
    await page.goto(base + '/');
    const seen = [];
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const e = document.activeElement;
        const marks = [e, ...e.querySelectorAll('rect, text, circle')].map((x) => getComputedStyle(x));
        const box = e.getBoundingClientRect();
        return { what: e.outerHTML.slice(0, 80), marked: marks.some((m) => m.outlineStyle !== 'none'), width: box.width };
      });
      assert.ok(at.marked && at.width > 0, 'the focus is not seen on ' + at.what);
      if (seen.at(-1) !== at.what) seen.push(at.what); // a day is three fields in one
    }
    assert.equal(new Set(seen.slice(0, 20)).size, 20, 'Tab comes back to where it was');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await page.evaluate(() => document.activeElement.outerHTML.slice(0, 80)), seen.at(-2));
    // The menu of who is signed in opens by keyboard and closes by Escape, and the focus stays there.
    await page.locator('.who summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement.closest('.who div')));
    await page.keyboard.press('Escape');
    assert.ok(await page.evaluate(() => document.activeElement.matches('.who summary') && !document.querySelector('.who[open]')));
    // The list of keys holds the focus while it is open, and gives it back.
    await page.keyboard.press('?');
    for (let i = 0; i < 4; i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    assert.ok(!(await page.locator('#keys').isVisible()));
    assert.ok(await page.evaluate(() => document.activeElement.matches('.who summary')));
  });

  test('a statement prints as a letter', async () => {
    const claim = (await first(page, '/claims?status=adjudicated', 'main .rows tbody th a')) ?? (await first(page, '/claims?status=closed', 'main .rows tbody th a'));
    const account = await first(page, claim, 'main a[href^="/accounts/"]');
    const patient = await first(page, account, 'main a[href^="/patients/"]');
    const statement = await first(page, patient, 'main a[href^="/statements/"]');
    if (!statement) return; // nothing was owed
    await page.goto(base + statement);
    await page.emulateMedia({ media: 'print' });
    for (const part of ['.top', '.menu', '.crumbs', '.actions']) assert.ok(!(await page.locator(part).first().isVisible()), part + ' is printed');
    assert.ok(await page.locator('.letter').isVisible());
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.letter h1')).color), 'rgb(0, 0, 0)');
    if (shots) await page.screenshot({ path: join(shots, 'statement-print.png') });
    await page.emulateMedia({ media: null });
  });

  test('a filter changes the rows and the address, and is told', async () => {
    browser.errors.length = 0;
    await page.goto(base + '/claims');
    await page.getByLabel('Status').selectOption('held');
    await page.waitForURL(/status=held/);
    await page.waitForFunction(() => [...document.querySelectorAll('main .rows tbody .badge')].every((b) => b.textContent === 'Held'));
    await page.waitForFunction(() => document.getElementById('told').textContent.includes('Claims'));
    await page.goBack();
    await page.waitForURL(base + '/claims');
    assert.deepEqual(browser.errors, []);
  });

  test('20 rows or more are on the screen, and the head of the table stays', async () => {
    await page.goto(base + '/claims');
    const rows = await page.locator('main .rows tbody tr').count();
    if (rows < 40) return; // too few claims in this platform to say
    const visible = await page.locator('main .rows tbody tr').evaluateAll((all) => all.filter((r) => r.getBoundingClientRect().bottom <= innerHeight).length);
    assert.ok(visible >= 20, `${visible} rows`);
    await page.evaluate(() => scrollTo(0, 600));
    const top = await page.locator('main .rows thead th').first().evaluate((h) => h.getBoundingClientRect().top);
    assert.ok(top >= 0 && top < 60, `the head is at ${top}`);
  });
});

test('everything works without JavaScript', async () => {
  const browser = await open({ javaScriptEnabled: false });
  try {
    await signIn(browser.page);
    await browser.page.goto(base + '/claims');
    await browser.page.getByLabel('Status').selectOption('held');
    await browser.page.getByRole('button', { name: 'Apply' }).click();
    await browser.page.waitForURL(/status=held/);
    await browser.page.locator('#aging-payer').count();
    await browser.page.goto(base + '/');
    await browser.page.locator('#aging-payer svg a[href*="age="]').first().click();
    await browser.page.waitForURL(/receivables/);
  } finally {
    await browser.close();
  }
});
