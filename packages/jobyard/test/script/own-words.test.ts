import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from '../dialects/webjobs-yard.ts'

let yard: WebJobsYard
let name: string
let count = 0

beforeAll(async () => {
  yard = await openWebJobsYard()
})
afterAll(() => yard.server.stop())
beforeEach(() => {
  name = `job-${++count}`
})

const upload = (settings: unknown, type = 'continuous') =>
  yard.zip(type, name, {
    'run.sh': `${UNTIL_TOLD}# ${JSON.stringify(settings)}\n`,
    ...(settings === undefined ? {} : { 'settings.job': JSON.stringify(settings) }),
  })
const put = (settings: unknown, type = 'continuous') =>
  yard.call(`/api/${type}webjobs/${name}/settings`, { method: 'PUT', body: JSON.stringify(settings) })
const shown = async (type = 'continuous') =>
  JSON.parse((await yard.call(`/api/${type}webjobs/${name}/settings`)).body) as Record<string, unknown>
const job = () => yard.server.client.jobs.get(name)
const patch = (change: Parameters<typeof yard.server.client.jobs.patch>[1]) =>
  yard.server.client.jobs.patch(name, change)
const codes = async () => (await job()).warnings.map(({ code }) => code)
const singleton = async () => {
  const [trigger] = (await job()).triggers
  return trigger?.type === 'continuous' ? trigger.singleton : undefined
}

describe('the word of a package for one instance', () => {
  test('goes with its package, and with the settings that said it', async () => {
    await upload({ is_singleton: true })
    expect([await singleton(), (await shown()).is_singleton]).toEqual([true, true])
    await put({})
    expect([await singleton(), await shown()]).toEqual([false, {}])
    await put({ is_singleton: true })
    expect(await singleton()).toBe(true)
    await upload(undefined)
    expect([await singleton(), await shown()]).toEqual([false, {}])
    await upload({ is_singleton: true })
    await upload({ is_singleton: false })
    expect(await singleton()).toBe(false)
  })

  test('gives way to what people say of the job, whatever else is changed, and that is told', async () => {
    await upload({ is_singleton: true })
    await patch({ triggers: [{ type: 'continuous', singleton: false }] })
    const everywhere = async () => {
      expect([await singleton(), (await shown()).is_singleton]).toEqual([false, false])
      expect(await codes()).toEqual(['singleton-overridden'])
    }
    await everywhere()
    await patch({ policy: { keepRuns: 9 } })
    await everywhere()
    await upload({ is_singleton: true, other: 1 })
    await everywhere()
    // Without a word of its own the job follows its package again.
    await patch({ triggers: [{ type: 'continuous' }] })
    expect([await singleton(), await codes()]).toEqual([true, []])
  })

  test('that is the same as what people say does not take theirs along when it goes', async () => {
    await upload({ is_singleton: true })
    await patch({ triggers: [{ type: 'continuous', singleton: true }] })
    await upload(undefined)
    expect(await singleton()).toBe(true)
    expect((await job()).spec).toEqual({})
    // Who puts settings in place says all that there is to say, as with Kudu.
    await put({})
    expect(await singleton()).toBe(false)
  })

  test('is not mixed up with what was chosen when the job was added', async () => {
    await upload({ is_singleton: true })
    const { package: hash } = await job()
    name = `${name}-added`
    const triggers = [{ type: 'continuous' as const, singleton: false }]
    await yard.server.client.jobs.create({ name, type: 'continuous', package: hash ?? '', triggers })
    expect([await singleton(), await codes()]).toEqual([false, ['singleton-overridden']])
    await patch({ policy: { keepRuns: 9 } })
    expect(await singleton()).toBe(false)
  })
})

describe('a schedule of settings.job', () => {
  const schedules = async () =>
    (await job()).triggers.flatMap((trigger) => (trigger.type === 'schedule' ? [trigger.ncrontab] : []))

  test('that a schedule of the job itself hides is told, as long as they differ', async () => {
    await upload({ schedule: '0 0 5 1 1 *' }, 'triggered')
    expect(await codes()).toEqual([])
    await patch({ triggers: [{ type: 'schedule', ncrontab: '0 0 3 1 1 *' }] })
    const hidden = {
      code: 'schedule-overridden',
      message: expect.stringMatching(/schedule "0 0 5 1 1 \*", but .* counts: "0 0 3 1 1 \*"/),
    }
    expect(await job()).toMatchObject({ warnings: [hidden] })
    await upload({ schedule: '0 0 6 1 1 *' }, 'triggered')
    expect([await schedules(), await codes()]).toEqual([['0 0 3 1 1 *'], ['schedule-overridden']])
    await upload({ schedule: '0 0 3 1 1 *' }, 'triggered')
    expect([await schedules(), await codes()]).toEqual([['0 0 3 1 1 *'], []])
    await upload({ schedule: '0 0 3 1 1 *', jobyard: { timeZone: 'Europe/Berlin' } }, 'triggered')
    expect(await codes()).toEqual(['schedule-overridden'])
    await upload(undefined, 'triggered')
    expect([await schedules(), await codes()]).toEqual([['0 0 3 1 1 *'], []])
  })

  test('that somebody took away stays away when something else is changed', async () => {
    await upload({ schedule: '0 0 5 1 1 *' }, 'triggered')
    await patch({ triggers: [] })
    await patch({ policy: { keepRuns: 7 } })
    await yard.server.client.jobs.stop(name)
    await yard.server.client.jobs.start(name)
    expect(await schedules()).toEqual([])
  })
})
