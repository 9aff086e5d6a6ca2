import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { STREAMS, type Stream } from '../../../src/store/output/contract.ts'
import { LineCounter, LineScanner, LONGEST_LINE } from '../../../src/store/output/line-scanner.ts'
import { counterAt, markAt } from '../../../src/store/output/line-marks.ts'
import { makeFolder, openStore } from '../../output/place.ts'
import { bytesOf, ID, type Piece, shownLog, withoutTimes, writeLog } from './log-reading.ts'

/** Few kinds of bytes, so that ends of lines meet in all ways; one is no UTF-8, one begins an escape sequence. */
const byte = fc.constantFrom(10, 13, 0x61, 0x62, 0xff, 0x1b).map((each) => [each])
/** Long enough that its end is looked for in another way. */
const stretch = fc.integer({ min: 30, max: 70 }).map((length) => Array<number>(length).fill(0x63))
const text = fc
  .array(fc.oneof({ weight: 5, arbitrary: byte }, { weight: 1, arbitrary: stretch }), { maxLength: 12 })
  .map((parts) => Buffer.from(parts.flat()))
const stream = fc.constantFrom<Stream>('output', 'error')
const piece = fc.record({ stream, bytes: text })

/** Lines of one stream, by the plainest way to say it. */
function linesOf(bytes: Uint8Array): string[] {
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split(/\r\n|\r|\n/)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function all(pieces: readonly Piece[], of: Stream): Buffer {
  return Buffer.concat(pieces.filter(({ stream: each }) => each === of).map(({ bytes }) => bytes))
}

/** What a scanner makes of pieces: the lines with their streams, in their order. */
function scan(pieces: readonly Piece[]): string[] {
  const lines: string[] = []
  const scanner = new LineScanner()
  const sink = (
    of: number,
    _time: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    before: readonly Uint8Array[],
  ) => void lines.push(`${STREAMS[of]} ${Buffer.concat([...before, bytes.subarray(from, to)]).toString('latin1')}`)
  for (const { stream: of, bytes } of pieces) scanner.feed(STREAMS.indexOf(of), 0, bytes, sink)
  scanner.flush(sink)
  return lines
}

/** Cuts every piece into several at given places. */
function cut(pieces: readonly Piece[], places: readonly number[]): Piece[] {
  return pieces.flatMap(({ stream: of, bytes }) => {
    const ends = [...new Set([...places.map((place) => place % (bytes.length + 1)), bytes.length])].toSorted(
      (a, b) => a - b,
    )
    return ends.map((end, index) => ({ stream: of, bytes: bytes.subarray(ends[index - 1] ?? 0, end) }))
  })
}

test('LF, CR and CRLF end lines, whatever the pieces that the bytes come in', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(200), { maxLength: 5 }), (pieces, places) => {
      const lines = scan(pieces)
      expect(scan(cut(pieces, places))).toEqual(lines)
      for (const of of ['output', 'error'] as const) {
        const own = lines.filter((line) => line.startsWith(of)).map((line) => line.slice(of.length + 1))
        expect(own).toEqual(linesOf(all(pieces, of)))
      }
    }),
    { numRuns: 1000 },
  )
})

test('lines are counted as they are found, and go on from any mark', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(8), (pieces, place) => {
      const entries = pieces.map((each, index) => ({
        ...each,
        bytes: Buffer.from(each.bytes),
        seq: index + 1,
        time: index,
      }))
      const whole = new LineCounter()
      whole.feed(entries)
      const before = new LineCounter()
      before.feed(entries.slice(0, place))
      const behind = counterAt(markAt(place + 1, before))
      behind.feed(entries.slice(place))
      expect(behind.counts).toEqual(whole.counts)
      expect(behind.counted).toEqual(whole.counted)
      const lines = scan(pieces)
      const bytes = lines.reduce((sum, line) => sum + line.slice(line.indexOf(' ') + 1).length, 0)
      expect(whole.counted).toMatchObject({ lines: lines.length, systemLines: 0, lineBytes: bytes })
    }),
    { numRuns: 500 },
  )
})

test('a line without an end is cut at the same place, whatever the pieces', () => {
  const endless = Buffer.alloc(2 * LONGEST_LINE + 5, 'x')
  const lengths = (pieces: readonly Piece[]) => scan(pieces).map((line) => line.length - 'output '.length)
  const wanted = [LONGEST_LINE, LONGEST_LINE, 5]
  expect(lengths([{ stream: 'output', bytes: endless }])).toEqual(wanted)
  expect(lengths(cut([{ stream: 'output', bytes: endless }], [1, 70_000, LONGEST_LINE, LONGEST_LINE + 1]))).toEqual(
    wanted,
  )
  const exact = Buffer.concat([endless.subarray(0, LONGEST_LINE), Buffer.from('\r\nnext')])
  expect(lengths([{ stream: 'output', bytes: exact }])).toEqual([LONGEST_LINE, 4])
  expect(lengths(cut([{ stream: 'output', bytes: exact }], [LONGEST_LINE, LONGEST_LINE + 1]))).toEqual([
    LONGEST_LINE,
    4,
  ])
})

test('what is stored is shown line by line, and any part of it is the same part of the whole', async () => {
  const output = await openStore(await makeFolder())
  const message = fc.record({ stream: fc.constant<Stream>('system'), bytes: fc.constant(Buffer.from('told\n')) })
  const log = fc.array(fc.oneof({ weight: 4, arbitrary: piece }, { weight: 1, arbitrary: message }), { maxLength: 10 })
  await fc.assert(
    fc.asyncProperty(log, fc.nat(), fc.nat(), async (pieces, one, other) => {
      const taskId = randomUUID()
      await writeLog(output, taskId, pieces)
      const shown = await shownLog(output, taskId)
      const whole = await bytesOf(shown)
      expect(whole.length).toBe(shown.bytes)
      const levels: Record<string, string> = { output: 'INFO', error: 'ERR ', system: 'SYS INFO' }
      const wanted = scan(pieces).map((line) => {
        const at = line.indexOf(' ')
        return `[TIME > ${ID}: ${levels[line.slice(0, at)]}] ${line.slice(at + 1)}\r\n`
      })
      expect(withoutTimes(whole)).toBe(wanted.join(''))
      const [from = 0, to = 0] = [one % (whole.length + 1), other % (whole.length + 1)].toSorted((a, b) => a - b)
      expect(await bytesOf(shown, from, to)).toEqual(whole.subarray(from, to))
    }),
    { numRuns: 150 },
  )
})
