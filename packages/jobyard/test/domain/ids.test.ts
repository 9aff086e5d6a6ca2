import { expect, test } from 'vitest'
import { createIds } from '../../src/domain/ids.ts'
import { ManualClock } from '../support/manual-clock.ts'

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('ids are UUIDv7 and carry the time', () => {
  const clock = new ManualClock('2026-03-01T10:00:00.123Z')
  const id = createIds(clock).next()
  expect(id).toMatch(UUID7)
  expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(Date.parse('2026-03-01T10:00:00.123Z'))
})

test('ids of one source rise, thousands within a millisecond and with the clock going back', () => {
  const clock = new ManualClock('2026-03-01T10:00:00Z')
  const ids = createIds(clock)
  const made = Array.from({ length: 10_000 }, (_, index) => {
    if (index === 6000) clock.set('2026-03-01T09:00:00Z')
    return ids.next()
  })
  expect(made.toSorted()).toEqual(made)
  expect(new Set(made).size).toBe(made.length)
})
