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
  },
})
