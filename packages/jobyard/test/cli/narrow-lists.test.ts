import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { widthOf } from '../../src/cli/text-width.ts'
import { deployScript } from '../client/scripts.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
  await deployScript(server.client, 'a-report-with-a-long-name', 'exit 7')
  await server.client.jobs.patch('a-report-with-a-long-name', {
    triggers: [{ type: 'schedule', ncrontab: '0 30 2 * * *' }],
  })
  await command(['script', 'run', 'a-report-with-a-long-name', '--wait'], { env: server.env })
  await server.client.tokens.create({ name: 'somebody-at-work', role: 'operator', expiresIn: '90d' })
})
afterAll(() => server.stop())

describe('on a terminal of 80 columns no time is cut', () => {
  test.each([
    ['run list', 1],
    ['script list', 2],
    ['token list', 1],
    ['audit', 1],
  ])('by %s', async (words, times) => {
    const { out } = await command(words.split(' '), { env: server.env, columns: 80 })
    const lines = stripVTControlCharacters(out).trimEnd().split('\n')
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80)
    const most = Math.max(...lines.map((line) => [...line.matchAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g)].length))
    expect(most, out).toBeGreaterThanOrEqual(times)
    expect(out).not.toMatch(/\d{4}-[\d\-: ]*…/)
  })
})
