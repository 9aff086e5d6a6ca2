import { Jobyard } from '@jobyard/client'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { useKilledServers } from '../support/killed-servers.ts'
import { startReceiver } from './receiver.ts'

test('what a killed server had not told, or perhaps had, the next one tells', async () => {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.stop())
  const servers = useKilledServers({ JOBYARD_CALLS_NETWORKS: 'loopback' })
  const start = async () => new Jobyard({ url: await servers.start(), token: servers.token })

  const jobyard = await start()
  const { hash } = await jobyard.packages.upload(new TextEncoder().encode('exit 0\n'), 'run.sh')
  await jobyard.jobs.create({ name: 'told', package: hash })
  const { id } = await jobyard.hooks.create({ event: 'run-finished', url: receiver.url })
  // It is called, and dies before it hears the answer.
  receiver.answer = () => undefined
  await jobyard.runs.create('told')
  await eventually('the call has come', () => receiver.calls.length === 1)
  await servers.kill()
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
