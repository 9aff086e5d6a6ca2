import type { HttpOperationResponse } from '@azure/ms-rest-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KuduClient } from 'vscode-azurekudu'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

/** The suffixes of the client's operations: the current spelling of an address and the three old ones. */
const SPELLINGS = ['', '1', '2', '3'] as const

let yard: WebJobsYard
let jobs: KuduClient['jobs']
let settings: KuduClient['settings']
let vfs: KuduClient['vfs']
let zip: KuduClient['zip']

beforeAll(async () => {
  yard = await openWebJobsYard()
  const { basic } = yard
  const credentials: ConstructorParameters<typeof KuduClient>[0] = {
    async signRequest(resource) {
      resource.headers.set('authorization', basic)
      return resource
    },
  }
  const client = new KuduClient(credentials, { baseUri: yard.url })
  jobs = client.jobs
  settings = client.settings
  vfs = client.vfs
  zip = client.zip
})

afterAll(async () => {
  await yard.server.stop()
})

/** This client sends no file: what it uploads is an empty script, whose name goes in a header. */
const EMPTY_SCRIPT = { customHeaders: { 'Content-Disposition': 'attachment; filename=run.sh' } }

/** What an operation answered: this client puts it where the type of the answer can be anything. */
async function told(answer: Promise<{ readonly _response: { readonly parsedBody?: unknown } }>): Promise<unknown> {
  return (await answer)._response.parsedBody
}

/** Status and headers of an answer. This client knows 200 alone: any other is thrown, by Kudu's own servers too. */
async function answerOf(
  answer: Promise<{ readonly _response: HttpOperationResponse }>,
): Promise<HttpOperationResponse> {
  try {
    return (await answer)._response
  } catch (error) {
    const { response } = error as { readonly response?: HttpOperationResponse }
    if (response === undefined) throw error
    return response
  }
}

async function statusOf(answer: Parameters<typeof answerOf>[0]): Promise<number> {
  return (await answerOf(answer)).status
}

describe('the client vscode-azurekudu, as it comes from npm', () => {
  it('lists jobs', async () => {
    await yard.script('triggered', 'listed', 'exit 0\n')
    for (const list of ['listAllJobs', 'listAllJobs1', 'listAllJobs2'] as const) {
      expect(await told(jobs[list]()), list).toMatchObject([{ name: 'listed', type: 'triggered' }])
    }
    for (const spelling of SPELLINGS) {
      expect(await told(jobs[`listTriggeredJobs${spelling}`]())).toMatchObject([{ name: 'listed' }])
      expect(await told(jobs[`listContinuousJobs${spelling}`]())).toEqual([])
    }
    expect(await told(jobs.listTriggeredJobsInSwaggerFormat())).toMatchObject({ swagger: '2.0' })
    await jobs.removeTriggeredJob('listed')
    expect(await told(jobs.listAllJobs())).toEqual([])
  })

  it.each(SPELLINGS)('drives a triggered job by the operations whose names end in "%s"', async (spelling) => {
    const name = `report${spelling}`
    const created = await told(jobs[`createTriggeredJob${spelling}`](name, EMPTY_SCRIPT))
    expect(created).toMatchObject({ name, type: 'triggered' })
    await jobs[`setTriggeredJobSettings${spelling}`](name, { is_in_place: true, mine: ['kept'] })
    const settings = await told(jobs[`getTriggeredJobSettings${spelling}`](name))
    expect(settings).toEqual({ is_in_place: true, mine: ['kept'] })
    const started = await answerOf(jobs[`invokeTriggeredJob${spelling}`](name))
    expect(started.status).toBe(202)
    const id = started.headers.get('location')?.split('/').at(-1) ?? ''
    const run = await eventually('the run has ended', async () => {
      const found = (await told(jobs[`getTriggeredJobRun${spelling}`](name, id))) as { status: string }
      return found.status === 'Success' && found
    })
    expect(run).toMatchObject({ id, trigger: expect.stringMatching(/^External - vscode-azurekudu\//) })
    expect(await told(jobs[`getTriggeredJobHistory${spelling}`](name))).toMatchObject({ runs: [{ id }] })
    expect(await told(jobs[`getTriggeredJob${spelling}`](name))).toMatchObject({ name, latest_run: { id } })
    await jobs[`removeTriggeredJob${spelling}`](name)
    expect(await statusOf(jobs[`getTriggeredJob${spelling}`](name))).toBe(404)
  })

  it.each(SPELLINGS)('drives a continuous job by the operations whose names end in "%s"', async (spelling) => {
    const name = `pump${spelling}`
    const created = await told(jobs[`createContinuousJob${spelling}`](name, EMPTY_SCRIPT))
    expect(created).toMatchObject({ name, type: 'continuous' })
    await jobs[`setContinuousJobSettings${spelling}`](name, { is_singleton: true })
    expect(await told(jobs[`getContinuousJobSettings${spelling}`](name))).toEqual({ is_singleton: true })
    await yard.status(name, 'PendingRestart')
    await jobs[`disableContinuousJob${spelling}`](name)
    await yard.status(name, 'Stopped')
    await jobs[`enableContinuousJob${spelling}`](name)
    await yard.status(name, 'PendingRestart')
    const job = await told(jobs[`getContinuousJob${spelling}`](name))
    expect(job).toMatchObject({ name, settings: { is_singleton: true } })
    await jobs[`removeContinuousJob${spelling}`](name)
    expect(await statusOf(jobs[`getContinuousJob${spelling}`](name))).toBe(404)
  })

  it('reads and writes app settings', async () => {
    for (const spelling of ['', '1'] as const) {
      expect(await statusOf(settings[`set${spelling}`]({ COLOUR: 'blue' }))).toBe(204)
      expect(await told(settings[`getAll${spelling}`]())).toEqual({ COLOUR: 'blue' })
      expect(await told(settings[`get${spelling}`]('COLOUR'))).toBe('blue')
      const remove = spelling === '' ? settings.deleteMethod('COLOUR') : settings.delete1('COLOUR')
      expect(await statusOf(remove)).toBe(204)
    }
  })

  it('reads, writes and takes away files', async () => {
    await jobs.createTriggeredJob('filed', EMPTY_SCRIPT)
    for (const [spelling, read, head] of [
      ['', 'getItem', 'getItem1'],
      ['1', 'getItem2', 'getItem3'],
    ] as const) {
      // Its paths have their slashes encoded.
      const path = `data/jobs/triggered/filed/notes${spelling}.txt`
      expect(await statusOf(vfs[`putItem${spelling}`]('hello', path))).toBe(201)
      expect((await answerOf(vfs[read](path))).bodyAsText).toBe('hello')
      expect(await statusOf(vfs[head](path))).toBe(200)
      expect(await statusOf(vfs[`putItem${spelling}`]('again', path))).toBe(412)
      const any = { customHeaders: { 'If-Match': '*' } }
      expect(await statusOf(vfs[`putItem${spelling}`]('again', path, any))).toBe(204)
      expect((await answerOf(vfs[read]('data/jobs/triggered/filed/'))).bodyAsText).toContain('text/plain')
      expect(await statusOf(vfs[`deleteItem${spelling}`](path, any))).toBe(200)
      expect(await statusOf(vfs[read](path))).toBe(404)
      const script = `site/wwwroot/App_Data/jobs/triggered/written${spelling}/run.sh`
      expect(await statusOf(vfs[`putItem${spelling}`]('exit 0\n', script))).toBe(201)
      expect(await statusOf(jobs.invokeTriggeredJob(`written${spelling}`))).toBe(202)
      const folder = `site/wwwroot/App_Data/jobs/triggered/written${spelling}`
      expect(await statusOf(vfs[`deleteItem${spelling}`](folder, { recursive: true }))).toBe(200)
    }
  })

  it('reads and writes folders as zips', async () => {
    await jobs.createTriggeredJob('zipped', EMPTY_SCRIPT)
    const archive = makeZip([{ name: 'a.txt', data: 'a' }])
    const folder = 'data/jobs/triggered/zipped/'
    expect(await statusOf(zip.putItem(archive, folder))).toBe(200)
    expect(await statusOf(zip.putItem1(archive, folder))).toBe(200)
    for (const read of ['getItem', 'getItem1', 'getItem2', 'getItem3'] as const) {
      const { status, headers } = await answerOf(zip[read](folder))
      expect([status, headers.get('content-type')]).toEqual([200, 'application/zip'])
    }
  })

  it('reaches for what jobs serve, by every method and spelling', async () => {
    await jobs.createContinuousJob('serving', EMPTY_SCRIPT)
    for (let operation = 0; operation < 24; operation++) {
      const name = `requestPassthrough${operation === 0 ? '' : operation}` as 'requestPassthrough'
      // It serves nothing, which is told in the words of the job's own server being away.
      expect(await statusOf(jobs[name]('serving', 'x')), name).toBe(404)
    }
  })
})
