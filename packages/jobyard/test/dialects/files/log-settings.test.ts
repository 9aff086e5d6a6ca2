import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from '../webjobs-yard.ts'

const WARNING = /SYS WARN\] 'Always On' doesn't appear to be enabled for this Web App\./

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})
afterAll(() => yard.server.stop())

/** The lines of a job's log, without their times. */
async function linesOf(name: string): Promise<string[]> {
  const { body } = await yard.call(`/vfs/data/jobs/continuous/${name}/job_log.txt`)
  return body
    .split('\r\n')
    .slice(0, -1)
    .map((line) => line.replace(/^.*? > \w+: /, ''))
}

async function untilStarted(name: string, times: number): Promise<string[]> {
  return await eventually(`${name} has started ${times} times`, async () => {
    const lines = await linesOf(name)
    return lines.filter((line) => line.endsWith('Status changed to Running')).length === times && lines
  })
}

const aboutSingleton = (lines: readonly string[]) => lines.filter((line) => line.includes('singleton setting'))

async function switchTo(name: string, verb: 'start' | 'stop'): Promise<void> {
  await yard.call(`/api/continuouswebjobs/${name}/${verb}`, { method: 'POST' })
}

it('says what the setting of the singleton is, and later only when it is another', async () => {
  await yard.script('continuous', 'pump', UNTIL_TOLD)
  await untilStarted('pump', 1)
  await switchTo('pump', 'stop')
  await yard.status('pump', 'Stopped')
  await switchTo('pump', 'start')
  expect(aboutSingleton(await untilStarted('pump', 2))).toEqual(['SYS INFO] WebJob singleton setting is False'])
  const put = (body: string) => yard.call('/api/continuouswebjobs/pump/settings', { method: 'PUT', body })
  await put('{"is_singleton": true}')
  const changed = await untilStarted('pump', 3)
  const at = changed.indexOf('SYS INFO] WebJob singleton setting changed from False to True')
  expect(changed.slice(at - 1, at + 2)).toEqual([
    'SYS INFO] Status changed to Starting',
    'SYS INFO] WebJob singleton setting changed from False to True',
    'SYS INFO] WebJob singleton lock is acquired',
  ])
  await put('{}')
  expect(aboutSingleton(await untilStarted('pump', 4))).toEqual([
    'SYS INFO] WebJob singleton setting is False',
    'SYS INFO] WebJob singleton setting changed from False to True',
    'SYS INFO] WebJob singleton setting changed from True to False',
  ])
})

it('warns once in a log that the site is not always on, where the setting says exactly that', async () => {
  const set = (value: string) =>
    yard.call('/api/settings', { method: 'POST', body: JSON.stringify({ website_scm_always_on_enabled: value }) })
  await set('00')
  await yard.script('continuous', 'idle', UNTIL_TOLD)
  expect((await untilStarted('idle', 1)).some((line) => WARNING.test(line))).toBe(false)
  // Settings that jobs see start them again.
  await set('0')
  const lines = await untilStarted('idle', 2)
  const at = lines.findIndex((line) => WARNING.test(line))
  expect(lines[at - 1]).toBe('SYS INFO] Status changed to Starting')
  expect(lines.slice(0, at).filter((line) => line.endsWith('Starting'))).toHaveLength(2)
  await switchTo('idle', 'stop')
  await yard.status('idle', 'Stopped')
  await switchTo('idle', 'start')
  const later = await untilStarted('idle', 3)
  expect(later.filter((line) => WARNING.test(line))).toHaveLength(1)
  expect(later.findIndex((line) => WARNING.test(line))).toBe(at)
  await yard.script('triggered', 'once', 'exit 0\n')
  const { output_url } = await yard.runToEnd('once')
  expect((await yard.call(new URL(output_url ?? '').pathname)).body).not.toMatch(WARNING)
})
