import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Jobyard } from '@jobyard/client'
import { expect, onTestFinished, test } from 'vitest'
import { readLogTail, ServerProcess } from '../../../../chaos/server.ts'
import { eventually } from '../support/eventually.ts'
import { startReceiver } from './receiver.ts'

const TOKEN = 'a-token-for-this-test-only'

test('what a killed server had not told, or perhaps had, the next one tells', async () => {
  const root = mkdtempSync(join(tmpdir(), 'jobyard-hooks-'))
  chmodSync(root, 0o711)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'tmp'))
  const receiver = await startReceiver()
  onTestFinished(() => receiver.stop())
  const started: ServerProcess[] = []
  const start = async () => {
    const server = startServer(root, started.length)
    started.push(server)
    const url = await server.ready
    if (url === undefined) throw new Error(`The server does not start: ${readLogTail(server.place).join('\n')}`)
    return new Jobyard({ url, token: TOKEN })
  }
  onTestFinished(async () => {
    for (const server of started) server.signal('SIGKILL')
    await Promise.all(started.map(({ exited }) => exited))
  })

  const jobyard = await start()
  const { hash } = await jobyard.packages.upload(new TextEncoder().encode('exit 0\n'), 'run.sh')
  await jobyard.jobs.create({ name: 'told', package: hash })
  const { id } = await jobyard.hooks.create({ event: 'run-finished', url: receiver.url })
  // It is called, and dies before it hears the answer.
  receiver.answer = () => undefined
  await jobyard.runs.create('told')
  await eventually('the call has come', () => receiver.calls.length === 1)
  started[0]?.signal('SIGKILL')
  await started[0]?.exited
  receiver.answer = (response) => void response.end()
  const again = await start()
  await eventually('the call has come again', () => receiver.calls.length === 2)
  expect(receiver.calls[1]?.body).toBe(
    receiver.calls[0]?.body?.replaceAll(/:\d+(?=\/)/g, portOf(receiver.calls[1]?.body)),
  )
  await eventually('it is settled', async () => (await again.hooks.get(id)).last?.status === 200)
  await again.runs.wait((await again.runs.create('told')).id)
  await eventually('the next one is told', () => receiver.calls.length === 3)
}, 60_000)

/** The server listens on another port each time, which the addresses in the bodies say. */
function portOf(body: string | undefined): string {
  return /:\d+(?=\/)/.exec(body ?? '')?.[0] ?? ''
}

function startServer(root: string, turn: number): ServerProcess {
  const dataFolder = join(root, 'data')
  return new ServerProcess({
    name: `hooks-${turn}`,
    dataFolder,
    logFile: join(root, `server-${turn}.log`),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: root,
      TMPDIR: join(root, 'tmp'),
      JOBYARD_DATA: dataFolder,
      JOBYARD_PORT: '0',
      JOBYARD_ADMIN_TOKEN: TOKEN,
      JOBYARD_CALLS_NETWORKS: 'loopback',
    },
  })
}
