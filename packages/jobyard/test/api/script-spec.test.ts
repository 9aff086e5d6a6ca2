import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { deployScript } from '../client/scripts.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
  await deployScript(server.client, 'there', 'true')
})
afterAll(() => server.stop())

// biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it tests.
async function patch(spec: unknown): Promise<{ readonly status: number; readonly body: any }> {
  const answer = await fetch(`${server.url}/v1/jobs/there`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ spec }),
  })
  return { status: answer.status, body: await answer.json() }
}

describe('what a script job says', () => {
  test('is refused with the field at fault, whatever was sent instead', async () => {
    const cases: readonly (readonly [unknown, string, RegExp])[] = [
      [{ env: [null] }, 'spec.env', /must be an object or null; it is a list/],
      [{ env: { A: 1 } }, 'spec.env.A', /must be a text or null; it is 1/],
      [{ env: { 'A\nB': {} } }, 'spec.env.A\nB', /must be a text or null/],
      [{ secrets: ['x'] }, 'spec.secrets', /must be an object or null/],
      [{ secrets: { A: 54_321 } }, 'spec.secrets.A', /must be a text or an object or null\.$/],
      [{ secrets: { A: { sealed: 'x' } } }, 'spec.secrets.A.sealed', /is not known/],
      [{ memory: true }, 'spec.memory', /must be a text or null; it is true/],
      [{ memory: {} }, 'spec.memory', /must be a text or null/],
      [{ memory: '1B' }, 'spec.memory', /1B of memory is too little: a shell alone takes up to 4MB to begin/],
      [{ memory: '4095KB' }, 'spec.memory', /too little/],
      [{ idleTimeout: [] }, 'spec.idleTimeout', /must be a text or null/],
      [{ idleTimeout: '0s' }, 'spec.idleTimeout', /longer than 0/],
      [{ args: [1] }, 'spec.args.0', /must be a text; it is 1/],
      [{ args: ['a', 'b\0c'] }, 'spec.args.1', /Argument 2 holds a NUL/],
      [{ args: ['a'.repeat(60_000), 'b'.repeat(60_000)] }, 'spec.args', /have 120002 bytes together/],
      [{ processes: -1 }, 'spec.processes', /from 0 to 4000000; it is -1/],
      [{ inPlace: 'yes' }, 'spec.inPlace', /must be true or false or null/],
      [{ stopSignal: 'never' }, 'spec.stopSignal', /must be/],
      [{ memroy: '1GB' }, 'spec.memroy', /is not known/],
      [{ settings: { schedule: '0 * * * * *' } }, 'spec.settings', /is not known/],
    ]
    for (const [spec, field, detail] of cases) {
      const { status, body } = await patch(spec)
      expect({ status, body }, JSON.stringify(spec)).toMatchObject({ status: 400, body: { field } })
      expect(body.detail).toMatch(detail)
      expect(body.hint).not.toBe('')
    }
    expect((await patch({ memroy: '1GB' })).body.hint).toBe('Did you mean memory?')
  })

  test('is shown as people set it, and can be sent back as it is shown', async () => {
    await patch({ env: { A: '1' }, secrets: { B: 'two' }, memory: '64MB' })
    const shown = (await server.client.jobs.get('there')).spec
    expect(shown).toEqual({ env: { A: '1' }, secrets: { B: { set: true } }, memory: '64MB' })
    expect(await patch(shown)).toMatchObject({ status: 200, body: { spec: shown } })
    expect((await patch({ env: { A: null }, secrets: null, memory: null })).body.spec).toEqual({ env: {} })
    const answer = await fetch(`${server.url}/v1/openapi.json`)
    const description = (await answer.json()) as { components: { schemas: { ScriptSpec: { properties: object } } } }
    expect(Object.keys(description.components.schemas.ScriptSpec.properties)).not.toContain('settings')
  })
})
