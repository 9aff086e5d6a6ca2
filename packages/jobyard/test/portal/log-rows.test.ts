import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { strip } from '../../../portal/src/log/ansi.ts'
import type { Line } from '../../../portal/src/log/line.ts'
import { cuttable, LogRows } from '../../../portal/src/log/rows.ts'

/** A log that grows at its end and loses its oldest lines, as far as rows look at it. */
class Growing {
  lines: Line[] = []
  first = 0
  /** Number of the line that may still grow. */
  settled = 0

  add(text: string): void {
    this.settled = this.first + this.lines.length
    this.lines.push({ stream: 'output', time: '', text, start: {} })
  }

  grow(text: string): void {
    const last = this.lines.pop()
    if (last !== undefined) this.lines.push({ ...last, text: last.text + text })
  }

  forget(count: number): void {
    const gone = Math.min(count, this.lines.length)
    this.lines = this.lines.slice(gone)
    this.first += gone
    this.settled = Math.max(this.settled, this.first)
  }
}

/** Number and part of every row, counted plainly. */
function plainly(log: Growing, columns: number): { number: number; part: number }[] {
  return log.lines.flatMap(({ text }, index) => {
    const count = Math.max(1, Math.ceil(strip(cuttable(text)).length / columns))
    return Array.from({ length: count }, (_, part) => ({ number: log.first + index, part }))
  })
}

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom('', 'x'.repeat(20), 'x'.repeat(21), '\tindented', '\x1b[31mred and so on\x1b[0m'),
)
const step = fc.oneof(
  text.map((each) => (log: Growing) => log.add(each)),
  text.map((each) => (log: Growing) => log.grow(each)),
  fc.nat(3).map((count) => (log: Growing) => log.forget(count)),
)

describe('rows of lines that are cut to a width', () => {
  test('are where plain counting finds them, however the log grows and shrinks', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 25 }), (steps, columns) => {
        const log = new Growing()
        const rows = new LogRows(log, columns)
        for (const each of steps) {
          each(log)
          const expected = plainly(log, columns)
          expect(rows.count()).toBe(expected.length)
          expect(expected.map((_, row) => rows.at(row))).toEqual(expected)
          for (const [row, { number, part }] of expected.entries()) if (part === 0) expect(rows.rowOf(number)).toBe(row)
        }
      }),
    )
  })

  test('are the lines themselves where nothing is cut', () => {
    const log = new Growing()
    for (const each of ['a', 'b'.repeat(1000), 'c']) log.add(each)
    log.forget(1)
    const rows = new LogRows(log, undefined)
    expect([rows.count(), rows.at(1), rows.rowOf(2)]).toEqual([2, { number: 2, part: 0 }, 1])
  })
})
