import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { golden } from './golden-files.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from './webjobs-yard.ts'

/** The spellings of the addresses of a type. */
const BASES = (type: string) => [`/api/${type}webjobs`, `/api/${type}jobs`, `/jobs/${type}`, `/api/jobs/${type}`]

const CURL = { 'user-agent': 'curl/8.0' }

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})

afterAll(async () => {
  await yard.server.stop()
})

describe('what Kudu answers, byte for byte', () => {
  it('says that there are no jobs', async () => {
    for (const path of ['/api/webjobs', '/api/jobs', '/jobs', ...BASES('triggered'), ...BASES('continuous')]) {
      expect(await yard.raw(path), path).toBe(await golden('kudu-no-jobs'))
    }
  })

  it('says that a job is not there', async () => {
    for (const path of [...BASES('triggered'), ...BASES('continuous')]) {
      expect(await yard.raw(`${path}/none`), path).toBe(await golden('kudu-absent'))
      expect(await yard.raw(`${path}/none/settings`), path).toBe(await golden('kudu-no-settings'))
      const settings = { method: 'PUT', body: '{}' }
      expect(await yard.raw(`${path}/none/settings`, settings), path).toBe(await golden('kudu-absent'))
    }
    for (const path of BASES('triggered')) {
      expect(await yard.raw(`${path}/none/run`, { method: 'POST' }), path).toBe(await golden('kudu-absent'))
      expect(await yard.raw(`${path}/none/history`), path).toBe(await golden('kudu-absent'))
      expect(await yard.raw(`${path}/none/history/202601010000000000`), path).toBe(await golden('kudu-absent'))
    }
    for (const path of BASES('continuous')) {
      expect(await yard.raw(`${path}/none/start`, { method: 'POST' }), path).toBe(await golden('kudu-absent'))
      expect(await yard.raw(`${path}/none/stop`, { method: 'POST' }), path).toBe(await golden('kudu-absent'))
    }
  })

  it('takes a job in by every spelling and takes it away again', async () => {
    const headers = { 'content-disposition': 'attachment; filename=run.sh' }
    for (const base of BASES('triggered')) {
      const path = `${base}/report`
      const put = { method: 'PUT', headers, body: 'exit 0\n' }
      expect(await yard.raw(path, put), path).toBe(await golden('kudu-triggered-uploaded'))
      expect(await yard.raw(path), path).toBe(await golden('kudu-triggered-uploaded'))
      // Nothing has run, and no schedule has been followed.
      expect(await yard.raw(`${path}/history`), path).toBe(await golden('kudu-absent'))
      expect(await yard.raw(path, { method: 'DELETE' }), path).toBe(await golden('kudu-nothing'))
      expect(await yard.raw(path), path).toBe(await golden('kudu-absent'))
      // What is gone is gone: that it was not there is no mistake.
      expect(await yard.raw(path, { method: 'DELETE' }), path).toBe(await golden('kudu-nothing'))
    }
  })

  it('shows a job, its runs and its history', async () => {
    await yard.script('triggered', 'report', 'exit 0\n')
    const started = { method: 'POST', headers: CURL }
    for (const base of BASES('triggered')) {
      expect(await yard.raw(`${base}/report/run`, started), base).toBe(await golden('kudu-run-accepted'))
      await ended('report')
    }
    for (const base of BASES('triggered')) {
      const id = await latest('report')
      expect(await yard.raw(`${base}/report`), base).toBe(await golden('kudu-triggered'))
      expect(await yard.raw(`${base}/report/history/${id}`), base).toBe(await golden('kudu-run'))
      expect(await yard.raw(`${base}/report/history/202601010000000000`), base).toBe(await golden('kudu-absent'))
      expect(await yard.raw(`${base}/report/history/latest`), base).toBe(await golden('kudu-absent'))
    }
  })

  it('shows a history with the newest run first, and says nothing of a program that says nothing of itself', async () => {
    await yard.script('triggered', 'history', 'exit 0\n')
    await yard.call('/api/triggeredwebjobs/history/run', { method: 'POST', headers: CURL })
    await ended('history')
    await yard.call('/api/triggeredwebjobs/history/run', { method: 'POST' })
    await ended('history')
    const wanted = (await golden('kudu-history'))
      .replaceAll('/report/', '/history/')
      .replaceAll('"report"', '"history"')
    for (const base of BASES('triggered')) expect(await yard.raw(`${base}/history/history`), base).toBe(wanted)
    await yard.call('/api/triggeredwebjobs/history', { method: 'DELETE' })
  })

  it('refuses a second run while one goes on, and shows that one', async () => {
    await yard.script('triggered', 'slow', UNTIL_TOLD)
    const path = '/api/triggeredwebjobs/slow'
    const started = { method: 'POST', headers: CURL }
    const { headers } = await yard.call(`${path}/run`, started)
    expect(await yard.raw(`${path}/run`, started)).toBe(await golden('kudu-run-refused'))
    await reaches(String(headers.location), 'Running')
    expect(await yard.raw(new URL(String(headers.location)).pathname)).toBe(await golden('kudu-run-running'))
    const before = (await yard.call('/api/triggeredwebjobs')).headers.etag
    // Its duration is part of the tag, and that grows.
    await reachesOtherTag(String(before))
    await yard.call(path, { method: 'DELETE' })
  })

  it('gives runs of the same moment ids of their own', async () => {
    await yard.script('triggered', 'many', 'exit 0\n')
    await yard.server.client.jobs.patch('many', { policy: { overlap: 'allow' } })
    const path = '/api/triggeredwebjobs/many'
    const started = await Promise.all(Array.from({ length: 9 }, () => yard.call(`${path}/run`, { method: 'POST' })))
    const ids = started.map(({ headers }) => String(headers.location).split('/').at(-1) ?? '')
    expect(new Set(ids).size).toBe(9)
    for (const id of ids) expect(JSON.parse((await yard.call(`${path}/history/${id}`)).body).id).toBe(id)
    const { runs } = JSON.parse((await yard.call(`${path}/history`)).body)
    expect(runs.map((run: { id: string }) => run.id)).toEqual(ids.toSorted().toReversed())
    await eventually('all have ended', async () => {
      const { runs } = JSON.parse((await yard.call(`${path}/history`)).body)
      return runs.every((run: { status: string }) => run.status === 'Success')
    })
    await yard.call(path, { method: 'DELETE' })
  })

  it('tells a run that failed', async () => {
    await yard.script('triggered', 'broken', 'exit 3\n')
    await yard.call('/api/triggeredwebjobs/broken/run', { method: 'POST', headers: CURL })
    await ended('broken')
    const id = await latest('broken')
    expect(await yard.raw(`/api/triggeredwebjobs/broken/history/${id}`)).toBe(await golden('kudu-run-failed'))
    await yard.call('/api/triggeredwebjobs/broken', { method: 'DELETE' })
  })

  it('shows what settings.job says, keys that nobody knows too, and follows its schedule', async () => {
    const settings = '{\n // every night\n "schedule": "0 0 3 * * *",\n "my_key": [1, {"a": null}],\n}'
    const files = { 'inner/run.sh': 'exit 0\n', 'inner/settings.job': settings }
    await yard.zip('triggered', 'nightly', files)
    for (const base of BASES('triggered')) {
      expect(await yard.raw(`${base}/nightly`), base).toBe(await golden('kudu-triggered-scheduled'))
      expect(await yard.raw(`${base}/nightly/settings`), base).toBe(await golden('kudu-settings'))
      // A schedule is followed, so there is a log of that to look for.
      expect(await yard.raw(`${base}/nightly/history`), base).toBe(await golden('kudu-history-of-none'))
    }
    const job = await yard.server.client.jobs.get('nightly')
    expect(job.triggers).toMatchObject([{ type: 'schedule', ncrontab: '0 0 3 * * *' }])
  })

  it('starts and stops a continuous job and shows how it is', async () => {
    await yard.script('continuous', 'pump', UNTIL_TOLD)
    await yard.status('pump', 'Running')
    for (const base of BASES('continuous')) {
      expect(await yard.raw(`${base}/pump`), base).toBe(await golden('kudu-continuous-running'))
      expect(await yard.raw(`${base}/pump/stop`, { method: 'POST' }), base).toBe(await golden('kudu-nothing'))
      expect(await yard.raw(`${base}/pump/stop`, { method: 'POST' }), base).toBe(await golden('kudu-nothing'))
      await yard.status('pump', 'Stopped')
      expect(await yard.raw(`${base}/pump`), base).toBe(await golden('kudu-continuous-stopped'))
      expect(await yard.raw(`${base}/pump/start`, { method: 'POST' }), base).toBe(await golden('kudu-nothing'))
      await yard.status('pump', 'Running')
    }
    await yard.call('/api/continuouswebjobs/pump/stop', { method: 'POST' })
    await yard.status('pump', 'Stopped')
  })

  it('lists jobs, and nothing to whoever has the list already', async () => {
    await yard.status('pump', 'Stopped')
    const lists = [
      ...['/api/webjobs', '/api/jobs', '/jobs'].map((path) => [path, 'kudu-list-all'] as const),
      ...BASES('triggered').map((path) => [path, 'kudu-list-triggered'] as const),
      ...BASES('continuous').map((path) => [path, 'kudu-list-continuous'] as const),
    ]
    for (const [path, name] of lists) {
      expect(await yard.raw(path), path).toBe(await golden(name))
      const { etag } = (await yard.call(path)).headers
      const again = { headers: { 'if-none-match': String(etag) } }
      expect(await yard.raw(path, again), path).toBe(await golden('kudu-not-modified'))
      expect((await yard.call(path, { headers: { 'if-none-match': '"other"' } })).status, path).toBe(200)
    }
    const history = (await yard.call('/api/triggeredwebjobs/report/history')).headers.etag
    const known = { headers: { 'if-none-match': `W/"else", ${history}` } }
    expect(await yard.raw('/api/triggeredwebjobs/report/history', known)).toBe(await golden('kudu-not-modified'))
  })

  it('keeps a continuous job from starting that came with disable.job, and starts one that comes without', async () => {
    await yard.zip('continuous', 'fresh', { 'run.sh': UNTIL_TOLD, 'disable.job': '' })
    expect(await yard.raw('/api/continuouswebjobs/fresh')).toBe(await golden('kudu-continuous-uploaded'))
    await yard.zip('continuous', 'fresh', { 'run.sh': UNTIL_TOLD })
    await yard.status('fresh', 'Running')
    await yard.call('/api/continuouswebjobs/fresh', { method: 'DELETE' })
  })

  it('shows a job that waits for its next start', async () => {
    await yard.zip('continuous', 'brief', { 'run.sh': 'exit 1\n', 'settings.job': '{"is_singleton":true}' })
    await yard.status('brief', 'PendingRestart')
    expect(await yard.raw('/api/continuouswebjobs/brief')).toBe(await golden('kudu-continuous-restarting'))
    await yard.call('/api/continuouswebjobs/brief', { method: 'DELETE' })
  })

  it('takes settings in the place of settings.job', async () => {
    for (const base of BASES('triggered')) {
      await yard.zip('triggered', 'set', { 'run.sh': 'exit 0\n', 'settings.job': '{"is_in_place":true}' })
      const body = '{ /* new */ "stopping_wait_time": 7, "note": "kept" }'
      expect(await yard.raw(`${base}/set/settings`, { method: 'PUT', body }), base).toBe(await golden('kudu-nothing'))
      expect(await yard.raw(`${base}/set/settings`), base).toBe(await golden('kudu-settings-written'))
    }
    // An upload brings its own settings again.
    await yard.script('triggered', 'set', 'exit 0\n')
    expect(await yard.raw('/api/triggeredwebjobs/set/settings')).toBe(await golden('kudu-no-settings'))
    await yard.call('/api/triggeredwebjobs/set', { method: 'DELETE' })
  })

  it('says that all jobs are stopped when the settings say so', async () => {
    await yard.status('pump', 'Stopped')
    await yard.call('/api/continuouswebjobs/pump/start', { method: 'POST' })
    await yard.status('pump', 'Running')
    await yard.server.client.settings.change({ WEBJOBS_STOPPED: '1' })
    const started = { method: 'POST', headers: CURL }
    expect(await yard.raw('/api/triggeredwebjobs/report/run', started)).toBe(await golden('kudu-all-stopped'))
    await yard.status('pump', 'Stopped')
    expect(await yard.raw('/api/continuouswebjobs/pump')).toBe(await golden('kudu-continuous-stopped'))
    await yard.server.client.settings.remove('WEBJOBS_STOPPED')
    await yard.status('pump', 'Running')
    await yard.call('/api/continuouswebjobs/pump/stop', { method: 'POST' })
    await yard.status('pump', 'Stopped')
  })

  it('takes a schedule that nobody can read, and says so where people look', async () => {
    await yard.script('triggered', 'odd', 'exit 0\n')
    const body = '{"schedule":"every night"}'
    expect(await yard.raw('/api/triggeredwebjobs/odd/settings', { method: 'PUT', body })).toBe(
      await golden('kudu-nothing'),
    )
    expect((await yard.call('/api/triggeredwebjobs/odd/settings')).body).toBe(body)
    const { warnings, triggers } = await yard.server.client.jobs.get('odd')
    expect([warnings.length, triggers]).toEqual([1, []])
    await yard.call('/api/triggeredwebjobs/odd', { method: 'DELETE' })
  })

  it('describes the triggered jobs in Swagger', async () => {
    await yard.call('/api/triggeredwebjobs/nightly', { method: 'DELETE' })
    expect(await yard.raw('/api/triggeredwebjobsswagger')).toBe(await golden('kudu-swagger'))
  })
})

describe('what Kudu answers through Azure Resource Manager', () => {
  const place = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/default/triggeredwebjobs'

  function through(path: string): { headers: Record<string, string> } {
    return {
      headers: { 'x-ms-geo-location': 'West Europe', referer: `https://management.example${path}?api-version=1` },
    }
  }

  it('puts everything into items', async () => {
    const id = await latest('report')
    const base = '/api/triggeredwebjobs'
    expect(await yard.raw(`${base}/report`, through(`${place}/report`))).toBe(await golden('kudu-by-arm-triggered'))
    expect(await yard.raw(base, through(place))).toBe(await golden('kudu-by-arm-list'))
    const run = await yard.raw(`${base}/report/history/${id}`, through(`${place}/report/history/${id}`))
    expect(run).toBe(await golden('kudu-by-arm-run'))
    const history = await yard.call(`${base}/report/history`, through(`${place}/report/history`))
    expect(JSON.parse(history.body).value[0]).toEqual(
      JSON.parse((await yard.call(`${base}/report/history/${id}`, through(`${place}/report/history/${id}`))).body),
    )
  })

  it('answers a start with 200, because 202 would have it wait', async () => {
    const started = await yard.raw('/api/triggeredwebjobs/report/run', {
      method: 'POST',
      ...through(`${place}/report/run`),
    })
    expect(started).toBe((await golden('kudu-run-accepted')).replace('202 Accepted', '200 OK'))
    await ended('report')
  })

  it('takes settings by its own address and not by that of settings', async () => {
    const path = '/api/triggeredwebjobs/report'
    const refused = await yard.raw(`${path}/settings`, {
      method: 'PUT',
      body: '{}',
      ...through(`${place}/report/settings`),
    })
    expect(refused).toBe(await golden('kudu-by-arm-settings-refused'))
    const body = '{"properties":{"settings":{"note":"by ARM"}}}'
    const put = await yard.call(path, { method: 'PUT', body, ...through(`${place}/report`) })
    expect(JSON.parse(put.body)).toMatchObject({ name: 'default/report', properties: { settings: { note: 'by ARM' } } })
    const absent = await yard.raw('/api/triggeredwebjobs/none', { method: 'PUT', body, ...through(`${place}/none`) })
    expect(absent).toBe(await golden('kudu-absent'))
  })
})

async function latest(name: string): Promise<string> {
  return JSON.parse((await yard.call(`/api/triggeredwebjobs/${name}`)).body).latest_run.id
}

async function ended(name: string): Promise<void> {
  await eventually(`${name} has ended`, async () => {
    const { latest_run: run } = JSON.parse((await yard.call(`/api/triggeredwebjobs/${name}`)).body)
    return run !== null && run.end_time !== '0001-01-01T00:00:00'
  })
}

async function reaches(location: string, status: string): Promise<void> {
  await eventually(`the run is ${status}`, async () => {
    return JSON.parse((await yard.call(new URL(location).pathname)).body).status === status
  })
}

async function reachesOtherTag(before: string): Promise<void> {
  await eventually('the tag is another', async () => (await yard.call('/api/triggeredwebjobs')).headers.etag !== before)
}
