import { afterEach, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { deployScript } from '../client/scripts.ts'

let server: LiveServer
afterEach(() => server.stop())

async function post(path: string, headers: Record<string, string>, bytes: number) {
  const body = path.startsWith('/hooks') ? 'x'.repeat(bytes) : JSON.stringify({ payload: { text: 'x'.repeat(bytes) } })
  const answer = await fetch(`${server.url}${path}`, { method: 'POST', headers, body })
  return { status: answer.status, body: await answer.json() }
}

test('bodies are bounded as the settings say, and a refusal names the setting', async () => {
  server = await startLiveServer({ bodyLimit: '20KB', payloadLimit: '2KB' })
  const { id } = await deployScript(server.client, 'takes', 'true', { policy: { overlap: 'allow' } })
  const json = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }
  expect((await post(`/v1/jobs/${id}/runs`, json, 19_000)).status).toBe(201)
  expect(await post(`/v1/jobs/${id}/runs`, json, 21_000)).toMatchObject({
    status: 413,
    body: { data: { limit: 20_480 }, hint: expect.stringContaining('JOBYARD_BODY_LIMIT') },
  })
  await server.client.jobs.patch(id, { triggers: [{ type: 'webhook' }] })
  const { password } = await server.client.webhooks.get(id)
  const hook = { authorization: `Bearer ${password}`, 'content-type': 'text/plain' }
  expect((await post(`/hooks/${id}`, hook, 2000)).status).toBe(202)
  expect(await post(`/hooks/${id}`, hook, 2100)).toMatchObject({
    status: 413,
    body: { data: { limit: 2048 }, hint: expect.stringContaining('JOBYARD_PAYLOAD_LIMIT') },
  })
})
