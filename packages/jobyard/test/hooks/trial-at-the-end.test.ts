import { expect, onTestFinished, test } from 'vitest'
import { startLiveServer } from '../cli/live-server.ts'
import { eventually } from '../support/eventually.ts'
import { startReceiver } from './receiver.ts'

test('a server that is stopped while a hook is tried does not wait for its address, and ends in good order', async () => {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.stop())
  receiver.answer = () => undefined
  const server = await startLiveServer({ callsNetworks: 'loopback' })
  onTestFinished(() => server.stop())
  const { id } = await server.client.hooks.create({ event: 'run-finished', url: receiver.url })
  const trial = server.client.hooks.test(id)
  await eventually('it is called', () => receiver.calls.length === 1)
  const [tried] = await Promise.all([trial, server.leave()])
  expect(tried).toMatchObject({ last: { status: null, reason: expect.stringMatching(/server stopped/) } })
})
