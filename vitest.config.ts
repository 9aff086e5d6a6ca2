import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    // Real processes, signals and worker threads: each file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['packages/jobyard/test/support/postgres.ts'],
    setupFiles: ['packages/jobyard/test/support/no-leaks.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // A promise that nobody caught fails the run, whatever the assertions say.
    dangerouslyIgnoreUnhandledErrors: false,
    restoreMocks: true,
  },
})
