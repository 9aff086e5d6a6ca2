import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEntries } from '../../src/store/output/chunk.ts'
import { counterAt } from '../../src/store/output/line-marks.ts'
import { LineCounter } from '../../src/store/output/line-counter.ts'
import { longestLine, NO_LINES } from '../../src/store/output/line-scanner.ts'
import { OpenLog } from '../../src/store/output/open-log.ts'
import type { Chunk, LineMark, StoredLog } from '../../src/store/output/storage.ts'

/** What a database would hold after the batches that it took. */
class Model {
  row: StoredLog
  chunks: Chunk[] = []
  marks: LineMark[] = []

  constructor(capBytes: number, rolling: boolean) {
    const counts = { bytes: 0, dropped: 0, firstSeq: 1, lastSeq: 0 }
    const state = { cut: false, ended: false, fence: 0, counts: NO_LINES, openedAt: 0, facts: null }
    this.row = { id: 1, taskId: 'task', capBytes, rolling, ...counts, ...state }
  }

  get kept(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('take' as const), bytes: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({ do: fc.constant('commit' as const), limit: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ do: fc.constant('refuse' as const), limit: fc.integer({ min: 1, max: 5000 }) }),
)

/** One attempt to write, which the database takes or refuses. Gives the credit that is released. */
function attempt(log: OpenLog, model: Model, limit: number, taken: boolean): number {
  const from = log.wantsOldestFrom
  if (from !== undefined) log.learnOldest(model.chunks.filter((chunk) => chunk.firstSeq >= from))
  const batch = log.takeBatch(limit, 0)
  if (taken) {
    model.row = batch.change.log
    model.marks.push(...batch.change.marks)
    if (batch.change.rolled) model.marks = model.marks.filter(({ seq }) => seq >= model.row.firstSeq)
    model.chunks.push(...batch.change.chunks)
    if (batch.change.rolled) model.chunks = model.chunks.filter((chunk) => chunk.firstSeq >= model.row.firstSeq)
  } else {
    log.abandon(batch)
  }
  return batch.credit
}

/** Whoever counts again, from the beginning or from the first mark that is left, comes to the same number of lines. */
function expectLines({ row, chunks, marks }: Model): void {
  const [first] = marks
  if (row.firstSeq > 1) expect(first).toBeDefined()
  const counter =
    row.firstSeq > 1 && first !== undefined ? counterAt(first, longestLine(row)) : new LineCounter(longestLine(row))
  const from = row.firstSeq > 1 ? (first?.seq ?? 0) : 1
  for (const chunk of chunks) {
    if (chunk.firstSeq >= from) counter.feed(decodeEntries(chunk.data, chunk.firstSeq, chunk.firstTime))
  }
  expect(counter.counted).toEqual(row.counts)
}

test('the counts of a log are right after any sequence of arrivals, writes and refusals', () => {
  const cap = fc.integer({ min: 1, max: 20_000 })
  fc.assert(
    fc.property(cap, fc.boolean(), fc.array(step, { maxLength: 60 }), (capBytes, rolling, steps) => {
      const model = new Model(capBytes, rolling)
      const log = new OpenLog(model.row, { capBytes, rolling, search: undefined })
      let arrived = 0
      let credit = 0
      for (const next of steps) {
        if (next.do === 'take') {
          log.take(0, Buffer.alloc(next.bytes, 'a line \n and \r\n'), 0, next.bytes)
          credit += log.takeCredit()
          arrived += next.bytes
        } else {
          credit += attempt(log, model, next.limit, next.do === 'commit')
        }
        // Credit is given only for what is not pending any more, so the channel's window bounds what is.
        expect(credit).toBeLessThanOrEqual(arrived)
        expect(model.row.bytes - model.row.dropped).toBe(model.kept)
        if (rolling) expect(model.kept).toBeLessThanOrEqual(capBytes)
      }
      log.end(0)
      while (!model.row.ended) credit += attempt(log, model, 1000, true)
      expect(credit).toBe(arrived)
      expect(log.weight).toBe(0)
      expect(model.row.bytes).toBe(arrived)
      expect(model.row.bytes - model.row.dropped).toBe(model.kept)
      expect(model.kept).toBeLessThanOrEqual(capBytes)
      expect(log.summary).toEqual({
        bytes: arrived,
        dropped: model.row.dropped,
        lastSeq: model.row.lastSeq,
        ended: true,
      })
      expectLines(model)
      const seqs = model.chunks.flatMap((c) => decodeEntries(c.data, c.firstSeq, c.firstTime).map((entry) => entry.seq))
      expect(seqs).toEqual(seqs.map((_, index) => model.row.firstSeq + index))
      expect(seqs.at(-1) ?? 0).toBe(model.row.lastSeq)
    }),
    { numRuns: 500 },
  )
})

test('credit is released only as far as nothing is pending for it', () => {
  const model = new Model(1e9, false)
  const log = new OpenLog(model.row, { capBytes: 1e9, rolling: false, search: undefined })
  for (let index = 0; index < 16; index++) log.take(0, Buffer.alloc(65_536), index, 65_536)
  expect(log.takeCredit()).toBe(0)
  expect(attempt(log, model, 4 * 65_536, true)).toBe(4 * 65_536)
  expect(attempt(log, model, 65_536, false)).toBe(65_536)
  expect(log.takeCredit()).toBe(0)
})
