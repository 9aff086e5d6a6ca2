/** The six fields of a schedule, in the order they are written. */
export type NcrontabFieldName = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'weekday'

/** What one field may hold. */
export interface FieldRange {
  readonly name: NcrontabFieldName
  /** How messages call the field. */
  readonly title: string
  readonly min: number
  readonly max: number
  /** English names of the values from `min` on, in calendar order; empty where only numbers are read. */
  readonly names: readonly string[]
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** The ranges of the six fields; Sunday is 0 and there is no 7. */
export const FIELD_RANGES: Readonly<Record<NcrontabFieldName, FieldRange>> = {
  second: { name: 'second', title: 'second', min: 0, max: 59, names: [] },
  minute: { name: 'minute', title: 'minute', min: 0, max: 59, names: [] },
  hour: { name: 'hour', title: 'hour', min: 0, max: 23, names: [] },
  day: { name: 'day', title: 'day of month', min: 1, max: 31, names: [] },
  month: { name: 'month', title: 'month', min: 1, max: 12, names: MONTHS },
  weekday: { name: 'weekday', title: 'day of week', min: 0, max: 6, names: WEEKDAYS },
}

/** The values one field lets through, as 64 bits: looking up the next one costs a few integer operations. */
export class FieldSet {
  /** Bit v stands for value v, 0 to 31. */
  readonly low: number
  /** Bit v - 32 stands for value v, 32 to 63. */
  readonly high: number
  /** How many values there are; at least one. */
  readonly size: number
  /** The smallest value. */
  readonly first: number
  /** Whether every value of the field's range is in, which is what `*` means. */
  readonly full: boolean

  constructor(range: FieldRange, low: number, high: number) {
    this.low = low | 0
    this.high = high | 0
    this.size = countBits(low) + countBits(high)
    this.first = this.next(range.min)
    this.full = this.size === range.max - range.min + 1
  }

  /** Whether `value` (0 to 63) is in. */
  has(value: number): boolean {
    return value < 32 ? (this.low & (1 << value)) !== 0 : (this.high & (1 << (value - 32))) !== 0
  }

  /** The smallest value that is at least `from` (0 to 63), or -1. */
  next(from: number): number {
    if (from < 32) {
      const rest = this.low & (-1 << from)
      if (rest !== 0) return lowestBit(rest)
      return this.high === 0 ? -1 : 32 + lowestBit(this.high)
    }
    const rest = this.high & (-1 << (from - 32))
    return rest === 0 ? -1 : 32 + lowestBit(rest)
  }

  /** How many values are smaller than `limit` (0 to 63). */
  countBefore(limit: number): number {
    if (limit < 32) return countBits(this.low & ~(-1 << limit))
    return countBits(this.low) + countBits(this.high & ~(-1 << (limit - 32)))
  }
}

/** The number of the lowest bit that is set in a 32-bit word other than 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}

/** How many bits of a 32-bit word are set. */
export function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** The field as text: numbers in order, neighbours joined to ranges, `*` when nothing is left out. */
export function fieldText(values: FieldSet): string {
  if (values.full) return '*'
  const parts: string[] = []
  let first = values.first
  while (first >= 0) {
    let last = first
    while (values.has(last + 1)) last += 1
    parts.push(first === last ? `${first}` : `${first}-${last}`)
    first = values.next(last + 1)
  }
  return parts.join(',')
}
