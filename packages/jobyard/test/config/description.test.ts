import { describe, expect, test } from 'vitest'
import { describeConfig, renderSettings } from '../../src/config/describe.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { SETTINGS, settingKeys } from '../../src/config.ts'

const MACHINE = { cpus: 4, memory: 8 * 1024 ** 3, hostname: 'box', folder: '/srv' }

describe('the description of settings', () => {
  test('names every setting once, with value, source and meaning', () => {
    const rows = describeConfig(resolveConfig({ flags: { port: '80' }, env: { JOBYARD_SLOT: 'staging' }, ...MACHINE }))
    expect(rows).toHaveLength(settingKeys().length)
    expect(rows).toContainEqual(
      expect.objectContaining({ setting: 'JOBYARD_PORT', flag: '--port', value: '80', source: 'flag' }),
    )
    expect(rows).toContainEqual(expect.objectContaining({ setting: 'JOBYARD_SLOT', source: 'environment' }))
    for (const { meaning, setting } of rows) expect(meaning, setting).toMatch(/^[A-Z].*\.$|^[A-Z].*silent\.$/)
  })

  test('holds no secret', () => {
    const env = {
      JOBYARD_ADMIN_TOKEN: 'token-that-nobody-may-see',
      JOBYARD_DATABASE_URL: 'postgres://user:hidden-one@db/jobs?password=hidden-two',
    }
    const config = resolveConfig({ flags: {}, env, ...MACHINE })
    const text = JSON.stringify(describeConfig(config))
    expect(text).not.toMatch(/token-that-nobody|hidden-one|hidden-two/)
    expect(text).toContain('postgres://user:***@db/jobs')
    expect(config.adminToken).toBe(env.JOBYARD_ADMIN_TOKEN)
    expect(config.databaseUrl).toBe(env.JOBYARD_DATABASE_URL)
  })

  test('becomes a table with a row per setting', () => {
    const page = renderSettings()
    for (const key of settingKeys()) expect(page).toContain(`\`JOBYARD_${SETTINGS[key].variable}\``)
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    expect(rows).toHaveLength(settingKeys().length)
    for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(7)
  })
})
