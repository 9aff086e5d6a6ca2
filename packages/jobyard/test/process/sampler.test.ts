import { expect, test } from 'vitest'
import type { Clock } from '../../src/domain/clock.ts'
import { Sampler } from '../../src/process/warden/sampler.ts'

test('an id that another process has got is looked at anew, and by nobody once that has ended', () => {
  const timers = new Set<object>()
  const clock: Clock = {
    now: () => 0,
    elapsed: () => 0,
    after() {
      const timer = {}
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  const sampler = new Sampler(clock)
  sampler.watch(process.pid)
  sampler.watch(process.pid)
  expect(timers.size).toBe(1)
  expect(sampler.sample(process.pid)).toMatchObject({ cpuMs: expect.any(Number), peakBytes: expect.any(Number) })
  expect(sampler.finish(process.pid).peakBytes).toBeGreaterThan(0)
  expect(timers.size).toBe(0)
  expect(sampler.finish(process.pid)).toEqual({ cpuMs: null, peakBytes: null, ownBytes: 0 })
})
