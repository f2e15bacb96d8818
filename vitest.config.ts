import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'packages/**/*.test.js'],
    exclude: ['test/interop/**', '**/node_modules/**'],
    pool: 'forks',
    // Two cores are the smallest machine the suite is meant for.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Real databases, sockets and processes take part, on machines that do other work: where nobody watches, a case that fails
    // is tried once more, and is named when it then passes (ADR 0016).
    retry: process.env['CI'] ? 1 : 0,
    reporters: ['default', './scripts/attempts-reporter.js'],
  },
})
