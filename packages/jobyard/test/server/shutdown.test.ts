import { expect, test } from 'vitest'
import { Shutdown } from '../../src/server/shutdown.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'

const never = () => new Promise<void>(() => undefined)

test('parts stop in the opposite order, and one that fails or does not end keeps no other from it', async () => {
  const clock = new ManualClock(0)
  const shutdown = new Shutdown(clock)
  const stopped: string[] = []
  shutdown.add('folder', () => stopped.push('folder'))
  shutdown.add('stuck', never)
  shutdown.add('broken', () => {
    throw new Error('It is broken.')
  })
  shutdown.add('server', async () => stopped.push('server'))
  const ended = expect(shutdown.run()).rejects.toMatchObject({
    code: 'stop-incomplete',
    exit: 1,
    message: 'Not everything could be stopped. broken: It is broken. stuck: It does not end.',
  })
  await eventually('all have had their turn', () => {
    if (stopped.length < 2) clock.advance(1_000)
    return stopped.length === 2
  })
  expect(stopped).toEqual(['server', 'folder'])
  await ended
})

test('all that do not end together take a time that is known before, but for those with a bound of their own', async () => {
  const clock = new ManualClock(0)
  const shutdown = new Shutdown(clock)
  let released = false
  shutdown.add('lock', () => {
    released = true
  })
  for (let index = 0; index < 20; index++) shutdown.add(`stuck ${index}`, never)
  shutdown.add('patient', never, 60_000)
  const ended = shutdown.run().catch((error: unknown) => error)
  await eventually('it is over', () => {
    if (!released) clock.advance(500)
    return released
  })
  expect(clock.elapsed()).toBeLessThanOrEqual(60_000 + 16_000)
  expect(clock.elapsed()).toBeGreaterThanOrEqual(60_000 + 14_000)
  expect(await ended).toMatchObject({ code: 'stop-incomplete' })
})

test('what stopped in good order says nothing', async () => {
  const shutdown = new Shutdown(new ManualClock(0))
  let stops = 0
  shutdown.add('one', () => stops++)
  await Promise.all([shutdown.run(), shutdown.run()])
  expect(stops).toBe(1)
})
