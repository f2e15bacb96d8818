import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    pool: 'forks',
    // One at a time: the peers use fixed ports, and calls are made in real time.
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The peers keep clocks of their own, and share the machine: a case that fails is tried once more, and is named by
    // `.ci/run` when it then passes.
    retry: 1,
    reporters: ['default', './scripts/attempts-reporter.js'],
  },
})
