import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Jobyard } from '@jobyard/client'
import { expect, onTestFinished, test } from 'vitest'
import { readLogTail, ServerProcess } from '../../../../chaos/server.ts'
import { eventually } from '../support/eventually.ts'
import { basicOf } from './webjobs-yard.ts'

const TOKEN = 'a-token-for-this-test-only'
const FOLDER = 'api/vfs/site/wwwroot/App_Data/jobs/triggered/survivor'

test('files that were taken in are there again after the server was killed, and become a job', async () => {
  const root = mkdtempSync(join(tmpdir(), 'jobyard-vfs-'))
  chmodSync(root, 0o711)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'tmp'))
  const started: ServerProcess[] = []
  onTestFinished(async () => {
    for (const server of started) server.signal('SIGKILL')
    await Promise.all(started.map(({ exited }) => exited))
  })
  const start = async () => {
    const server = startServer(root, started.length)
    started.push(server)
    const url = await server.ready
    if (url === undefined) throw new Error(`The server does not start: ${readLogTail(server.place).join('\n')}`)
    return url
  }
  const headers = { authorization: basicOf(TOKEN), 'if-match': '*' }
  const put = (url: string, name: string, body: string) =>
    fetch(`${url}/${FOLDER}/${name}`, { method: 'PUT', headers, body })

  const first = await start()
  for (const name of ['a.txt', 'lib/b.txt', 'run.sh'])
    expect((await put(first, name, `exit 0 # ${name}\n`)).status).toBe(201)
  started[0]?.signal('SIGKILL')
  await started[0]?.exited

  const second = await start()
  expect(await (await fetch(`${second}/${FOLDER}/lib/b.txt`, { headers })).text()).toBe('exit 0 # lib/b.txt\n')
  const jobyard = new Jobyard({ url: second, token: TOKEN })
  await eventually('the job is there', async () => (await jobyard.jobs.list().take()).length === 1)
  const run = await jobyard.runs.wait((await jobyard.runs.create('survivor')).id)
  expect(run.state).toBe('completed')
  // Killed once more, in the midst of changes of a job that is there.
  expect((await put(second, 'run.sh', 'exit 3\n')).status).toBe(204)
  started[1]?.signal('SIGKILL')
  await started[1]?.exited

  const third = new Jobyard({ url: await start(), token: TOKEN })
  await eventually('the change has come', async () => (await third.jobs.packages('survivor')).length === 2)
  expect((await third.runs.wait((await third.runs.create('survivor')).id)).exitCode).toBe(3)
}, 60_000)

function startServer(root: string, turn: number): ServerProcess {
  const dataFolder = join(root, 'data')
  return new ServerProcess({
    name: `vfs-${turn}`,
    dataFolder,
    logFile: join(root, `server-${turn}.log`),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: root,
      TMPDIR: join(root, 'tmp'),
      JOBYARD_DATA: dataFolder,
      JOBYARD_PORT: '0',
      JOBYARD_ADMIN_TOKEN: TOKEN,
    },
  })
}
