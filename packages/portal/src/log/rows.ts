import { strip } from './ansi.ts'
import type { Line } from './line.ts'

/** More characters of one line than these are not drawn. */
export const MOST_DRAWN = 20_000
/** What stands for a tab where lines are cut, so that every character is as wide as another. */
const TAB = '    '

/** What {@link LogRows} needs of a log. */
interface Lines {
  readonly lines: readonly Line[]
  readonly first: number
  readonly settled: number
}

/** The text of a line as it is cut into rows. */
export function cuttable(text: string): string {
  return text.slice(0, MOST_DRAWN).replaceAll('\t', TAB)
}

/**
 * Where lines lie when they are cut to a width: each takes as many rows as it needs. Every row has the same height, so
 * what is in sight is found without measuring. What was counted once is not counted again.
 */
export class LogRows {
  /** Characters of a row; undefined: lines are not cut. */
  readonly columns: number | undefined
  readonly #log: Lines
  /** Rows of all lines up to and with this one, by the line's place in the log. */
  #ends: number[] = []
  #first = 0
  #settled = 0

  constructor(log: Lines, columns: number | undefined) {
    this.#log = log
    this.columns = columns
  }

  /** Counts what is new, and answers how many rows there are. */
  count(): number {
    const { lines, first, settled } = this.#log
    const { columns } = this
    if (columns === undefined) return lines.length
    // Lines that were still open may have grown; when the oldest have gone, everything lies elsewhere.
    this.#ends.length = first === this.#first ? Math.min(this.#ends.length, Math.max(0, this.#settled - first)) : 0
    for (let index = this.#ends.length; index < lines.length; index++) {
      this.#ends.push((this.#ends[index - 1] ?? 0) + rowsOf(lines[index]?.text ?? '', columns))
    }
    this.#first = first
    this.#settled = settled
    return this.#ends.at(-1) ?? 0
  }

  /** The row that a line begins with. */
  rowOf(number: number): number {
    const index = number - this.#log.first
    return this.columns === undefined ? index : (this.#ends[index - 1] ?? 0)
  }

  /** Which line a row belongs to, and which part of it the row is, from 0. */
  at(row: number): { readonly number: number; readonly part: number } {
    const { first } = this.#log
    if (this.columns === undefined) return { number: first + row, part: 0 }
    let [low, high] = [0, this.#ends.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ends[middle] ?? 0) > row) high = middle
      else low = middle + 1
    }
    return { number: first + low, part: row - (this.#ends[low - 1] ?? 0) }
  }
}

function rowsOf(text: string, columns: number): number {
  const plain = text.length <= columns && !text.includes('\t') && !text.includes('\x1b')
  return plain ? 1 : Math.max(1, Math.ceil(strip(cuttable(text)).length / columns))
}
