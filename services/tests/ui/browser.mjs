// A browser for the tests: Debian's Chromium, driven by playwright-core, with axe for accessibility.
import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// scripts/setup/ui.sh puts the packages there; import statements would look for them beside this file.
const require = createRequire(new URL('../../../.cache/ui/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const { AxeBuilder } = require('@axe-core/playwright');
const { source: axeSource } = require('axe-core');

// open starts Chromium with an empty profile. Options are playwright's for a persistent context (viewport, colorScheme, …).
// The answer: a page, and close(), which also removes the profile. Whatever the page logs as an error is in errors.
export async function open(options = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'evenkeel-ui-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    viewport: { width: 1280, height: 800 },
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
    ...options,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  return {
    page,
    context,
    errors,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

// violations are the WCAG 2.2 AA rules that the page breaks: one line each, with the elements.
export async function violations(page) {
  const found = await new AxeBuilder({ page, axeSource })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  return found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`);
}
