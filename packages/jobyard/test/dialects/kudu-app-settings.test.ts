import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, golden } from './golden-files.ts'
import { command } from '../cli/test-terminal.ts'
import { basicOf, openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard({ slot: 'blue' })
})

afterAll(async () => {
  await yard.server.stop()
})

describe('the app settings, as deployment scripts write them', () => {
  it.each(['/api/settings', '/settings'])('are read, set and taken away at %s', async (base) => {
    expect(await yard.raw(base)).toBe(await golden('kudu-app-settings-none'))
    const body = '{"COLOUR": "blue", /* as texts */ "COUNT": 3, "DEBUG": true}'
    expect(await yard.raw(base, { method: 'POST', body })).toBe(await golden('kudu-app-settings-set'))
    expect(await yard.raw(base)).toBe(await golden('kudu-app-settings'))
    expect(await yard.raw(`${base}/colour`)).toBe(await golden('kudu-app-setting'))
    expect(await yard.raw(`${base}/none`)).toBe(await golden('kudu-absent'))
    for (const name of ['COLOUR', 'count', 'none']) {
      expect(await yard.raw(`${base}/${name}`, { method: 'DELETE' })).toBe(await golden('kudu-app-settings-set'))
    }
    // The older form of one setting, and null for one that is to go.
    await yard.call(base, { method: 'POST', body: '{"key": "COLOUR", "value": "red"}' })
    await yard.call(base, { method: 'POST', body: '{"DEBUG": null, "other": null}' })
    expect((await yard.call(base)).body).toBe('{"COLOUR":"red"}')
    await yard.call(`${base}/COLOUR`, { method: 'DELETE' })
  })

  it('that cannot be read count as not set, and every list of them says so', async () => {
    const set = { WEBSITE_TIME_ZONE: 'Mitteleuropa', WEBJOBS_STOPPED: 'yes', WEBJOBS_RESTART_TIME: '5', NOTE: 'yes' }
    const body = JSON.stringify(set)
    expect((await yard.call('/api/settings', { method: 'POST', body })).status).toBe(204)
    const warned = Object.fromEntries(
      (await yard.server.client.settings.list()).map((each) => [each.name, each.warning]),
    )
    expect(warned).toMatchObject({
      WEBSITE_TIME_ZONE: expect.stringMatching(/^"Mitteleuropa" is no time zone.*counts as not set\.$/),
      WEBJOBS_STOPPED: '"yes" is neither 1 or true nor 0 or false, so it is off.',
      WEBJOBS_RESTART_TIME: null,
      NOTE: null,
    })
    const { out } = await command(['settings', 'list'], { env: yard.server.env })
    expect(out).toMatch(/^NAME .* NOTE$/m)
    expect(out).toMatch(/^WEBSITE_TIME_ZONE .*"Mitteleuropa" is no time zone/m)
    const { token } = await yard.server.client.tokens.create({ name: 'looks-at-settings', role: 'viewer' })
    const answer = await ask(`${yard.url}/v1/settings`, { headers: { authorization: `Bearer ${token}` } })
    expect(answer.body).toContain('"WEBSITE_TIME_ZONE"')
    expect(answer.body).not.toContain('Mitteleuropa')
    for (const name of Object.keys(set)) await yard.call(`/api/settings/${name}`, { method: 'DELETE' })
    expect((await command(['settings', 'list'], { env: yard.server.env })).out).not.toContain('NOTE')
  })

  it('of another slot are neither changed nor taken away', async () => {
    const settings = { ELSEWHERE: { value: 'staging one', slot: 'staging' } }
    await yard.server.client.settings.change(settings)
    const post = (said: object) => yard.call('/api/settings', { method: 'POST', body: JSON.stringify(said) })
    const refused = await post({ OTHER: 'x', elsewhere: 'production one' })
    expect([refused.status, refused.body]).toEqual([409, expect.stringContaining('slot staging')])
    expect(JSON.parse((await yard.call('/api/settings')).body)).not.toHaveProperty('OTHER')
    expect((await post({ ELSEWHERE: null })).status).toBe(204)
    expect((await yard.call('/api/settings/ELSEWHERE', { method: 'DELETE' })).status).toBe(204)
    const kept = (await yard.server.client.settings.list()).find(({ name }) => name === 'ELSEWHERE')
    expect(kept).toMatchObject({ value: 'staging one', slot: 'staging' })
    await yard.server.client.settings.remove('ELSEWHERE')
  })

  it('reach a job', async () => {
    await yard.call('/api/settings', { method: 'POST', body: '{"COLOUR": "green"}' })
    await yard.script('triggered', 'coloured', '[ "$COLOUR" = green ]\n')
    expect((await yard.runToEnd('coloured')).status).toBe('Success')
  })

  it('keep secrets to themselves, and those of another slot', async () => {
    await yard.server.client.settings.change({
      PASSWORD: { value: 'hidden', secret: true },
      OURS: { value: 'yes', slot: 'blue' },
      THEIRS: { value: 'no', slot: 'green' },
    })
    const shown = JSON.parse((await yard.call('/api/settings')).body)
    expect(shown).toEqual({ COLOUR: 'green', OURS: 'yes' })
    expect((await yard.call('/api/settings/PASSWORD')).status).toBe(403)
    // Written back as it was read, nothing is lost.
    await yard.call('/api/settings', { method: 'POST', body: JSON.stringify(shown) })
    const names = (await yard.server.client.settings.list()).map(({ name, slot }) => [name, slot])
    expect(names).toEqual([
      ['COLOUR', null],
      ['OURS', 'blue'],
      ['PASSWORD', null],
      ['THEIRS', 'green'],
    ])
  })

  it('are objects of texts', async () => {
    for (const body of ['', '[]', '{"a": {}}', '{"a": [1]}', '{"A=B": "x"}']) {
      expect((await yard.call('/api/settings', { method: 'POST', body })).status, body).toBe(400)
    }
  })

  it('are for deployers', async () => {
    const { token } = await yard.server.client.tokens.create({ name: 'operates', role: 'operator' })
    const headers = { authorization: basicOf(token) }
    expect((await yard.call('/api/settings', { headers })).status).toBe(403)
    expect((await yard.call('/api/settings', { method: 'POST', headers, body: '{}' })).status).toBe(403)
  })
})

describe('a browser that opens a page', () => {
  it('is not taken for one of Kudu’s clients, which send a token', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8'
    for (const path of ['/jobs', '/jobs/triggered/x', '/settings']) {
      const page = await ask(`${yard.url}${path}`, { headers: { accept } })
      expect([page.status, JSON.parse(page.body).code], path).toEqual([404, 'route-unknown'])
      expect((await ask(`${yard.url}${path}`)).headers['www-authenticate'], path).toBe('Basic realm="site"')
      expect((await yard.call(path, { headers: { accept } })).headers['content-type'] ?? '', path).not.toContain(
        'problem',
      )
    }
    // Below /api there are no pages.
    expect((await ask(`${yard.url}/api/webjobs`, { headers: { accept } })).status).toBe(401)
  })
})
