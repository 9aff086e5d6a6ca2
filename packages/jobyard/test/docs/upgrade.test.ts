import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { command } from '../cli/test-terminal.ts'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { readText } from './checkout.ts'

const page = await readText('docs/operations/upgrade.md')
const lines = [...page.matchAll(/^ {4}(\S.*?)(?: +#.*)?$/gm)].map(([, line = '']) => line)

let server: LiveServer
let folder: string

beforeAll(async () => {
  server = await startLiveServer()
  folder = await mkdtemp(join(tmpdir(), 'jobyard-upgrade-'))
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

test('the backups of the page are made as they are written, on either database', async () => {
  const typed = lines.filter((line) => line.startsWith('npx jobyard '))
  expect(typed).toHaveLength(2)
  for (const [index, line] of typed.entries()) {
    const words = line.split(' ').slice(2)
    const database = line.includes('--files-only') ? { JOBYARD_DATABASE_URL: 'postgres://u:p@db.invalid/jobs' } : {}
    const named = words.map((word) => (word.endsWith('.zip') ? `${index}-${word}` : word))
    const env = { JOBYARD_DATA: server.data, ...database }
    expect(await command(named, { env, folder }), line).toMatchObject({ exit: 0, err: '' })
  }
})

test('what the page has npm do is there, and the pages are built before what builds them is removed', async () => {
  const { scripts } = JSON.parse(await readText('package.json')) as { scripts: Record<string, string> }
  for (const [, script = ''] of page.matchAll(/npm run (\w+)/g)) expect(scripts).toHaveProperty(script)
  const [install, portal, prune] = ['npm ci', 'npm run portal', 'npm prune --omit=dev'].map((each) =>
    lines.indexOf(each),
  )
  expect([install, portal, prune]).toEqual([install, (install ?? 0) + 1, (install ?? 0) + 2])
  expect(install).toBeGreaterThan(0)
})
