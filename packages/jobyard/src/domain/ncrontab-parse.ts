import { type FieldRange, FieldSet } from './ncrontab-fields.ts'
import { outOfRange, type Piece, permitted, quoted, scheduleInvalid, unreadable } from './ncrontab-refusal.ts'

const LARGEST_INTEGER = 2 ** 31 - 1

/** Something about a schedule that is valid and yet may not mean what its writer thinks. */
export interface NcrontabWarning {
  /**
   * `azure-single-value`: Azure's WebJobs read `a/1` and `a/0` as just `a`. `never-due`: no calendar has such a day.
   */
  readonly code: 'azure-single-value' | 'never-due'
  readonly message: string
  /** Where the text begins that the warning is about, counted in UTF-16 units from 0. */
  readonly position: number
}

/** One field as read, and what its reader should be told. */
export interface ParsedField {
  readonly values: FieldSet
  readonly warnings: readonly NcrontabWarning[]
}

/** One element of a list: every `step`-th value of a range. */
interface Element {
  readonly piece: Piece
  readonly from: number
  readonly to: number
  readonly step: number
  /** Whether Azure reads no more than the first value, because it was written `a/1`. */
  readonly singleOnAzure: boolean
}

/** Reads one field: a list of `*`, values, names, ranges and steps. Throws 'schedule-invalid' with the place. */
export function parseField(range: FieldRange, piece: Piece): ParsedField {
  const elements = cutAt(piece, ',').map((part) => readElement(range, part))
  const values = collect(range, elements)
  const azure = collect(
    range,
    elements.map((element) => (element.singleOnAzure ? { ...element, to: element.from } : element)),
  )
  if (azure.size === values.size) return { values, warnings: [] }
  const warnings = elements.filter((element) => element.singleOnAzure).map((element) => azureWarning(range, element))
  return { values, warnings }
}

function collect(range: FieldRange, elements: readonly Element[]): FieldSet {
  let low = 0
  let high = 0
  for (const { from, to, step } of elements) {
    for (let value = from; value <= to; value += step) {
      if (value < 32) low |= 1 << value
      else high |= 1 << (value - 32)
    }
  }
  return new FieldSet(range, low, high)
}

function azureWarning(range: FieldRange, element: Element): NcrontabWarning {
  const { piece, from, to } = element
  const plain = from === range.min ? '*' : `${from}-${to}`
  const message =
    `${quoted(piece.text)} in the ${range.title} field means every value from ${from} to ${to} here, ` +
    `but just ${from} to Azure's WebJobs. Write ${plain} or ${from} to be read alike by both.`
  return { code: 'azure-single-value', message, position: piece.start }
}

function readElement(range: FieldRange, piece: Piece): Element {
  if (piece.text === '') throw emptyElement(range, piece)
  const slash = piece.text.indexOf('/')
  if (slash < 0) return { piece, ...readSpan(range, piece), step: 1, singleOnAzure: false }
  const body = cut(piece, 0, slash)
  if (body.text === '') throw nothingToStep(range, piece)
  const span = readSpan(range, body)
  const step = Math.max(1, readStep(range, cut(piece, slash + 1)))
  if (!span.single) return { piece, ...span, step, singleOnAzure: false }
  return { piece, from: span.from, to: range.max, step, singleOnAzure: step === 1 }
}

function readSpan(range: FieldRange, piece: Piece): { from: number; to: number; single: boolean } {
  if (piece.text === '*') return { from: range.min, to: range.max, single: false }
  const dash = piece.text.indexOf('-')
  if (dash <= 0) {
    const value = readValue(range, piece)
    return { from: value, to: value, single: true }
  }
  const one = readValue(range, cut(piece, 0, dash))
  const other = readValue(range, cut(piece, dash + 1))
  // NCRONTAB never wraps a range: Fri-Mon is Mon-Fri.
  return { from: Math.min(one, other), to: Math.max(one, other), single: false }
}

function readValue(range: FieldRange, piece: Piece): number {
  if (/^[0-9]+$/.test(piece.text)) {
    const value = Number(piece.text)
    if (value < range.min || value > range.max) throw outOfRange(range, piece)
    return value
  }
  const wanted = piece.text.toLowerCase()
  const index = /^[a-z]+$/.test(wanted) ? range.names.findIndex((name) => name.toLowerCase().startsWith(wanted)) : -1
  if (index < 0) throw unreadable(range, piece)
  return range.min + index
}

function readStep(range: FieldRange, piece: Piece): number {
  const step = /^[+-]?[0-9]+$/.test(piece.text) ? Number(piece.text) : Number.NaN
  if (Math.abs(step) <= LARGEST_INTEGER) return step
  const digits = /^[+-]?[0-9]*/.exec(piece.text)?.[0].length ?? 0
  const tooLarge = digits === piece.text.length && !Number.isNaN(step)
  throw scheduleInvalid({
    message: `The step ${quoted(piece.text)} in the ${range.title} field is no whole number${tooLarge ? ' of 32 bits' : ''}.`,
    position: tooLarge ? piece.start : piece.start + digits,
    hint: `Write one whole number after the slash, as in */5; values are ${permitted(range)}.`,
  })
}

function emptyElement(range: FieldRange, piece: Piece): Error {
  return scheduleInvalid({
    message: `The ${range.title} field has an empty place in its list; permitted are ${permitted(range)}.`,
    position: piece.start,
    hint: 'Take the superfluous comma out.',
  })
}

function nothingToStep(range: FieldRange, piece: Piece): Error {
  return scheduleInvalid({
    message: `The ${range.title} field has nothing before the slash of ${quoted(piece.text)}; permitted are ${permitted(range)}.`,
    position: piece.start,
    hint: `Write *${piece.text}.`,
  })
}

function cut(piece: Piece, from: number, to?: number): Piece {
  return { text: piece.text.slice(from, to), start: piece.start + from }
}

function cutAt(piece: Piece, separator: string): Piece[] {
  let start = piece.start
  return piece.text.split(separator).map((text) => {
    const part = { text, start }
    start += text.length + separator.length
    return part
  })
}
