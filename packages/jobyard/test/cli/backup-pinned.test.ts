import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployScript } from '../client/scripts.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

let production: LiveServer
let folder: string
let file: string

/** A production server with pinned settings and a backup of it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-pinned-'))
  await chmod(folder, 0o711)
  production = await startLiveServer()
  await deployScript(production.client, 'always', 'while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done', {
    type: 'continuous',
  })
  await production.client.settings.replace({
    SHARED: 'travels',
    DATABASE: { value: 'the-production-database', slot: true },
    KEY: { value: 'the-production-key', secret: true, slot: true },
  })
  file = join(folder, 'b.zip')
  const { exit, err } = await command(['backup', file, '--data', production.data], { folder })
  expect(exit, err).toBe(0)
})
afterAll(async () => {
  await production.stop()
  await rm(folder, { recursive: true, force: true })
})

const restore = (data: string, ...argv: string[]) => command(['restore', file, '--data', data, ...argv], { folder })

function settingsOf(data: string) {
  const database = new DatabaseSync(join(data, 'jobyard.db'), { readOnly: true })
  const rows = database.prepare('select name, value, slot, steer, amount from setting order by name_key').all()
  database.close()
  return rows.map((row) => ({ ...row }))
}

describe('a setting that is pinned to a slot', () => {
  test('is not in a backup, nor anything of what it held; it stays where it was', async () => {
    const data = join(folder, 'plain')
    expect((await restore(data)).exit).toBe(0)
    expect(settingsOf(data)).toMatchObject([{ name: 'SHARED', value: 'travels', slot: null }])
    const bytes = await readFile(join(data, 'jobyard.db'), 'latin1')
    expect(bytes).toContain('travels')
    expect(bytes).not.toContain('the-production-database')
    expect((await production.client.settings.list()).map(({ name }) => name)).toEqual(['DATABASE', 'KEY', 'SHARED'])
  })

  test('stays at its place when the backup of another is restored there', async () => {
    const data = join(folder, 'staging')
    expect((await restore(data)).exit).toBe(0)
    const flags = { data, slot: 'staging' }
    const staging = await startLiveServer(flags)
    await staging.client.settings.change({ WEBJOBS_STOPPED: { value: '1', slot: true }, SHARED: 'changed' })
    await staging.stop()
    const again = await restore(data, '--force')
    expect(again.out).toContain('Kept 1 app setting that is pinned to a slot.')
    expect(settingsOf(data)).toMatchObject([
      { name: 'SHARED', value: 'travels', slot: null },
      { name: 'WEBJOBS_STOPPED', value: '1', slot: 'staging', steer: 'stopped', amount: 1 },
    ])
    const anew = await startLiveServer(flags)
    expect(await anew.client.jobs.get('always')).toMatchObject({ state: 'stopped', enabled: true })
    await expect(anew.client.runs.create('always')).rejects.toMatchObject({ code: 'jobs-stopped' })
    await anew.stop()
  })
})

test('a backup restored with --stopped runs nothing on servers of that slot', async () => {
  const data = join(folder, 'quiet')
  const { exit, out } = await restore(data, '--slot', 'Staging', '--stopped')
  expect(exit).toBe(0)
  expect(out).toContain('No job runs until WEBJOBS_STOPPED is taken away in 1 collection.')
  const staging = await startLiveServer({ data, slot: 'staging' })
  expect((await staging.client.jobs.get('always')).state).toBe('stopped')
  expect(await staging.client.settings.list()).toMatchObject([
    { name: 'SHARED' },
    { name: 'WEBJOBS_STOPPED', slot: 'staging' },
  ])
  await staging.stop()
})
