// A real server that is told to stop while its database does not answer.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Jobyard } from '@jobyard/client'
import { expect, onTestFinished, test } from 'vitest'
import { ServerProcess } from '../../../../chaos/server.ts'
import { deployScript } from '../client/scripts.ts'
import { eventually } from '../support/eventually.ts'
import { createDatabase } from '../support/postgres.ts'
import { openProxy } from '../support/postgres-proxy.ts'

const TOKEN = 'jy_a-token-for-the-administrator-of-this-test'
const SCRIPT = "trap 'echo $$ told; exit 0' TERM; echo $$ begun; while :; do sleep 0.1; done"

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('it tells its runs, ends within its bound, and says what was left', { timeout: 120_000 }, async () => {
  const { url, drop } = await createDatabase()
  onTestFinished(drop)
  const proxy = await openProxy(url)
  onTestFinished(() => proxy.close())
  const root = mkdtempSync(join(tmpdir(), 'jobyard-stop-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  chmodSync(root, 0o711)
  const [dataFolder, temporary, logFile] = [join(root, 'data'), join(root, 'tmp'), join(root, 'server.log')]
  mkdirSync(temporary)
  const own = { JOBYARD_DATA: dataFolder, JOBYARD_PORT: '0', JOBYARD_DATABASE_URL: proxy.url, JOBYARD_DRAIN: '1s' }
  const env = { PATH: process.env.PATH ?? '', HOME: root, TMPDIR: temporary, JOBYARD_ADMIN_TOKEN: TOKEN, ...own }
  const server = new ServerProcess({ name: 'stopping', dataFolder, logFile, env })
  onTestFinished(() => void server.signal('SIGKILL'))
  const address = (await server.ready) ?? ''
  const client = new Jobyard({ url: address, token: TOKEN })
  await deployScript(client, 'long', SCRIPT)
  const run = await client.runs.create('long')
  let pid = 0
  for await (const entry of client.output.follow(run.id)) {
    pid = Number.parseInt(entry.text ?? '', 10)
    if (pid > 0) break
  }
  proxy.freeze()
  const began = performance.now()
  server.signal('SIGTERM')
  await eventually('the run has ended', () => !lives(pid))
  expect(await server.exited).toEqual({ code: 1, signal: null })
  // The drain time, a grace that no process used up, and what a stop may take beyond these.
  expect(performance.now() - began).toBeLessThan(1_000 + 35_000 + 5_000)
  const lines = readFileSync(logFile, 'utf8').split('\n')
  expect(lines.some((line) => line.includes('has not ended in good order') && line.includes('engine'))).toBe(true)
})
