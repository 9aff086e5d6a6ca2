import { expect, test } from 'vitest'
import { startLiveServer } from '../cli/live-server.ts'
import { deployScript } from '../client/scripts.ts'
import { eventually } from '../support/eventually.ts'

test('an idle run that does not look for its shutdown file ends within seconds, not after the whole stopping time', async () => {
  const server = await startLiveServer()
  try {
    await deployScript(server.client, 'idle', 'sleep 60', { spec: { idleTimeout: '500ms' }, policy: {} })
    const { id } = await server.client.runs.create('idle')
    const run = await eventually(
      'it is ended',
      async () => {
        const found = await server.client.runs.get(id)
        return found.finishedAt !== null && found
      },
      // The stopping time of a triggered job is 30 seconds.
      20_000,
    )
    expect(run).toMatchObject({ state: 'failed', reason: { code: 'idle' } })
  } finally {
    await server.stop()
  }
}, 40_000)
