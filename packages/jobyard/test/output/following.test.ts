import { expect, test } from 'vitest'
import { Announcer } from '../../src/store/output/announcer.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('growth is told at once, then gathered: 20 times a second at the most, and not at all for what nobody follows', () => {
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
  for (const taskId of ['a', 'b']) {
    expect(told.filter((taskIds) => taskIds.includes(taskId)).length).toBeLessThanOrEqual(21)
  }
  expect(told.slice(2).every((taskIds) => taskIds.length === 2)).toBe(true)
  clock.advance(1000)
  announcer.watch('a', false)
  const before = told.length
  announcer.grown('a')
  expect(told).toHaveLength(before)
  announcer.grown('b')
  expect(told).toHaveLength(before + 1)
})

test('a task that was quiet does not wait because another has just grown', () => {
  const clock = new ManualClock('2026-03-01T00:00:00Z')
  const told: string[][] = []
  const announcer = new Announcer(clock, (taskIds) => told.push(taskIds))
  announcer.watch('busy', true)
  announcer.watch('quiet', true)
  announcer.grown('busy')
  announcer.grown('busy')
  announcer.grown('quiet')
  expect(told).toEqual([['busy'], ['quiet']])
})

test('however many tasks grow, there are few messages, and each task is told of', () => {
  const clock = new ManualClock('2026-03-01T00:00:00Z')
  const told: string[][] = []
  const announcer = new Announcer(clock, (taskIds) => told.push(taskIds))
  const tasks = Array.from({ length: 1000 }, (_, index) => `task-${index}`)
  for (const taskId of tasks) announcer.watch(taskId, true)
  for (const taskId of tasks) announcer.grown(taskId)
  clock.advance(50)
  expect(told.length).toBeLessThan(20)
  expect(told.flat().toSorted()).toEqual(tasks.toSorted())
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
