// Unit tests stand beside the code in src; the browser tests in tests belong to Playwright and must not be picked up.
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['src/**/*.test.ts'] } });
