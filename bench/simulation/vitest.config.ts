import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['bench/simulation/*.test.ts'],
    testTimeout: 600_000,
    maxWorkers: 1,
    reporters: [['default', { summary: false }]],
  },
})
