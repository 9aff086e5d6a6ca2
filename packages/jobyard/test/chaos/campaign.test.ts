/** A sample of `npm run chaos`; what it looks at and how is told there. */
import { expect, test } from 'vitest'
import { type CampaignOptions, runCampaign } from '../../../../chaos/campaign.ts'

const SAMPLE: Omit<CampaignOptions, 'database' | 'instances' | 'kills' | 'lifeMs' | 'longestMs'> = {
  seed: Date.now() % 2 ** 31,
  milliseconds: 45_000,
  leaseMs: 15_000,
  freezes: false,
  lastLoadsMs: 0,
  clients: 4,
  say: () => undefined,
  keep: false,
}

test('a server that is killed a dozen times under load keeps every promise', { timeout: 150_000 }, async () => {
  const report = await runCampaign({
    ...SAMPLE,
    database: 'sqlite',
    instances: 1,
    kills: 12,
    lifeMs: 900,
    longestMs: 3000,
  })
  const { violations, evidence } = report
  expect(violations.list, `seed ${SAMPLE.seed}, evidence in ${evidence}`).toEqual([])
  expect(report.kills).toBeGreaterThanOrEqual(8)
  expect(report.acknowledged.acknowledged).toBeGreaterThan(20)
  expect(report.occurrences.ran).toBeGreaterThan(5)
})
