import { expect, test } from 'vitest'
import { LIMIT_SETTINGS } from '../../src/config/limit-settings.ts'
import { readText } from './checkout.ts'

test('the page for those who come from Azure names every bound of an upload, and the setting that raises it', async () => {
  const rows = (await readText('docs/guide/moving-from-azure-webjobs.md'))
    .split('\n')
    .filter((line) => /^\|/.test(line))
  const bounds = Object.values(LIMIT_SETTINGS).filter(({ variable }) => /^(?:ARCHIVE_|UPLOAD_LIMIT)/.test(variable))
  expect(bounds).toHaveLength(5)
  for (const { variable, otherwise } of bounds) {
    const row = rows.find((line) => line.includes(`\`JOBYARD_${variable}\``))
    const shown = row?.replace(/(\d) (MB)/, '$1$2').replace(/(\d),(\d)/, '$1$2')
    expect(shown, variable).toMatch(new RegExp(`\\b${otherwise}\\b`))
  }
})
