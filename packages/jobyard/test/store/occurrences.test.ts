import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES } from '../support/stack.ts'
import { type OpenRepository, openRepository } from './repository.ts'

const T0 = Date.parse('2026-03-01T10:00:00Z')
const HOUR = 3_600_000
const REASON = { code: 'user', text: 'Somebody wished so.' }

describe.each(DATABASES)('occurrences on record on %s', (database) => {
  let repository: OpenRepository

  beforeAll(async () => {
    repository = await openRepository(database)
  })

  // The schedules of one test are not to tick in the next.
  afterEach(() => repository.ask('delete from job_trigger'))

  afterAll(() => repository.close())

  let jobs = 0
  const addJob = (policy: Parameters<OpenRepository['addJob']>[1] = {}) => repository.addJob(`job ${++jobs}`, policy)

  /** Gives a job a schedule of every second, last looked at then. */
  async function schedule(jobId: string, at: number): Promise<void> {
    const detail = JSON.stringify({ ncrontab: '* * * * * *', timeZone: 'UTC' })
    const times = { considered_at: at, next_due: at + 1000 }
    await repository.addRows('job_trigger', [
      { id: repository.ids.next(), job_id: jobId, type: 'schedule', detail, ...times },
    ])
  }

  async function follow(jobId: string, after: string): Promise<void> {
    const detail = JSON.stringify({ jobId: after, on: ['stopped'] })
    await repository.addRows('job_trigger', [
      { id: repository.ids.next(), job_id: jobId, type: 'after', after_job_id: after, detail },
    ])
  }

  async function create(jobId: string, at: number): Promise<string> {
    const id = repository.ids.next()
    await repository.store.write('createRuns', { items: [{ id, jobId, why: 'manual', detail: {}, args: [] }], at })
    return id
  }

  const stop = (id: string, at: number) =>
    repository.store.write('wantRuns', { runIds: [id], wanted: 'stop', reason: REASON, at })
  const tick = (at: number) => repository.store.write('tickSchedules', { at, limit: 500 })
  const dues = async (jobId: string) =>
    (await repository.ask('select due from occurrence where job_id = ? order by due', jobId)).map(({ due }) =>
      Number(due),
    )

  async function prune(jobId: string, at: number): Promise<void> {
    while ((await repository.store.write('pruneJob', { jobId, at })).more);
  }

  test('whose record is gone make no second run while the first is kept, and hold up no other schedule', async () => {
    const [job, other] = [await addJob({ overlap: 'allow' }), await addJob()]
    await schedule(job, T0)
    const [first] = (await tick(T0 + 1000)).created
    await tick(T0 + 2000)
    await repository.ask('delete from occurrence where job_id = ?', job)
    await repository.store.write('rewindSchedules', { at: T0, limit: 500 })
    await schedule(other, T0)
    expect((await tick(T0 + 1000)).created.map(({ jobId }) => jobId)).toEqual([other])
    expect(await repository.store.read('listOccurrences', { jobId: job, limit: 5 })).toMatchObject([
      { due: T0 + 1000, outcome: 'ran', runId: first?.id },
    ])
    await tick(T0 + 2000)
    expect((await tick(T0 + 3000)).created.filter(({ jobId }) => jobId === job)).toHaveLength(1)
  })

  test('are kept for a day, so that a clock that is put back makes no run again', async () => {
    const jobId = await addJob({ overlap: 'allow', keepRuns: 1 })
    const record = (due: number) => ({ job_id: jobId, due, outcome: 'ran', recorded_at: due })
    const listed = Array.from({ length: 3 * 60 * 24 }, (_, index) => record(T0 - index * 20_000))
    await repository.addRows('occurrence', listed)
    await repository.addRows('occurrence', [record(T0 - 25 * HOUR), record(T0 - 26 * HOUR)])
    await prune(jobId, T0)
    expect(await dues(jobId)).toHaveLength(listed.length)
    await prune(jobId, T0 + 12 * HOUR)
    expect(await dues(jobId)).toHaveLength(listed.length / 2 + 1)
    await prune(jobId, T0 + 100 * HOUR)
    expect(await dues(jobId)).toHaveLength(1_000)
  })

  test('are not kept for the sake of refusals, which are bounded by their number', async () => {
    const jobId = await addJob()
    const refusals = Array.from({ length: 1_700 }, (_, index) => ({
      job_id: jobId,
      due: T0 + index * 1000 + 1,
      outcome: 'skipped',
      recorded_at: T0,
    }))
    await repository.addRows('occurrence', refusals)
    await prune(jobId, T0 + HOUR)
    expect((await dues(jobId))[0]).toBe(T0 + 700_001)
  })

  test('of a deleted job go with it, however many they are', async () => {
    const jobId = await addJob()
    const rows = Array.from({ length: 1_300 }, (_, index) => ({
      job_id: jobId,
      due: T0 + index * 1000,
      outcome: 'ran',
      recorded_at: T0,
    }))
    await repository.addRows('occurrence', rows)
    await repository.ask('update job set deleted_at = 1 where id = ?', jobId)
    expect(await repository.store.write('pruneJob', { jobId, at: T0 })).toMatchObject({ more: true })
    await prune(jobId, T0)
    expect(await dues(jobId)).toEqual([])
    expect(await repository.ask('select id from job where id = ?', jobId)).toEqual([])
  })

  test('are not taken for a refusal of the same millisecond', async () => {
    const [first, job] = [await addJob({ overlap: 'allow' }), await addJob()]
    await schedule(job, T0)
    await follow(job, first)
    const [blocking, ending] = [await create(job, T0 + 500), await create(first, T0 + 500)]
    await stop(ending, T0 + 1000)
    await stop(blocking, T0 + 1000)
    expect((await tick(T0 + 1003)).created.map(({ jobId }) => jobId)).toEqual([job])
    const listed = await repository.store.read('listOccurrences', { jobId: job, limit: 5 })
    expect(listed.map(({ outcome }) => outcome).toSorted()).toEqual(['ran', 'skipped'])
  })

  test('name every refusal, also several of one millisecond', async () => {
    const [first, job] = [await addJob({ overlap: 'allow' }), await addJob()]
    await follow(job, first)
    await create(job, 500)
    const runs = [await create(first, 500), await create(first, 500), await create(first, 500)]
    await Promise.all(runs.map((id) => stop(id, 1000)))
    expect(await repository.store.read('listOccurrences', { jobId: job, limit: 9 })).toHaveLength(3)
  })

  test('a run that a newer one of the same requests replaces is shown as it is after that', async () => {
    const jobId = await addJob({ overlap: 'replace' })
    const item = () => ({ id: repository.ids.next(), jobId, why: 'manual' as const, detail: {}, args: [], show: true })
    const { outcomes } = await repository.store.write('createRuns', { items: [item(), item(), item()], at: T0 })
    expect(outcomes.map((outcome) => outcome.ok && outcome.run?.state)).toEqual(['stopped', 'stopped', 'pending'])
  })
})
