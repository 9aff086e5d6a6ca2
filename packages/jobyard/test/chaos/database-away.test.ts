/** A server that is told to stop while its database is away. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readLogTail, ServerProcess } from '../../../../chaos/server.ts'
import { startCluster } from '../support/postgres.ts'

test('a server ends in good order although its database is away', { timeout: 60_000 }, async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.close())
  const { url } = await cluster.createDatabase()
  const root = mkdtempSync(join(tmpdir(), 'jobyard-away-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  chmodSync(root, 0o711)
  const [dataFolder, temporary] = [join(root, 'data'), join(root, 'tmp')]
  mkdirSync(temporary)
  const own = { JOBYARD_DATA: dataFolder, JOBYARD_PORT: '0', JOBYARD_DATABASE_URL: url, JOBYARD_DRAIN: '1s' }
  const env = { PATH: process.env.PATH ?? '', HOME: root, TMPDIR: temporary, ...own }
  const server = new ServerProcess({ name: 'away', dataFolder, logFile: join(root, 'server.log'), env })
  onTestFinished(() => void server.signal('SIGKILL'))
  await server.ready
  await cluster.kill()
  server.signal('SIGTERM')
  const ended = await server.exited
  expect(ended, readLogTail(server.place).join('\n')).toEqual({ code: 0, signal: null })
})
