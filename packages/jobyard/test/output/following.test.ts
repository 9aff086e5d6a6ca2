import { expect, test } from 'vitest'
import { Announcer } from '../../src/store/output/announcer.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('growth is told at once, then gathered: 20 messages a second at the most, and none for what nobody follows', () => {
  const clock = new ManualClock('2026-03-01T00:00:00Z')
  const told: string[][] = []
  const announcer = new Announcer(clock, (taskIds) => told.push(taskIds))
  announcer.watch('a', true)
  announcer.watch('b', true)
  announcer.grown('other')
  announcer.grown('a')
  expect(told).toEqual([['a']])
  for (let index = 0; index < 100; index++) {
    clock.advance(10)
    announcer.grown('a')
    announcer.grown('b')
    announcer.grown('other')
  }
  expect(told.length).toBeLessThanOrEqual(21)
  expect(told.slice(1).every((taskIds) => taskIds.length === 2)).toBe(true)
  clock.advance(1000)
  announcer.watch('a', false)
  const before = told.length
  announcer.grown('a')
  expect(told).toHaveLength(before)
  announcer.grown('b')
  expect(told).toHaveLength(before + 1)
})

test('what grows while a message has just gone is told in the next, without anything else happening', () => {
  const clock = new ManualClock('2026-03-01T00:00:00Z')
  const told: string[][] = []
  const announcer = new Announcer(clock, (taskIds) => told.push(taskIds))
  announcer.watch('a', true)
  announcer.grown('a')
  announcer.grown('a')
  clock.advance(50)
  expect(told).toEqual([['a'], ['a']])
})
