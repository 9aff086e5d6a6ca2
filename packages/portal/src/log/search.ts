import { strip } from './ansi.ts'
import type { LogLines } from './lines.ts'

/** Finds lines that hold a text, whatever its case. What was looked through once is not looked through again. */
export class LogSearch {
  readonly term: string
  readonly #log: LogLines
  readonly #settled: number[] = []
  #upTo = 0

  constructor(log: LogLines, term: string) {
    this.#log = log
    this.term = term.toLowerCase()
  }

  /** Numbers of the lines that hold the text, in their order. */
  find(): readonly number[] {
    if (this.term === '') return []
    const { lines, first, settled } = this.#log
    for (let number = Math.max(this.#upTo, first); number < settled; number++) {
      if (this.#fits(number - first)) this.#settled.push(number)
    }
    this.#upTo = settled
    const found = this.#settled.filter((number) => number >= first)
    for (let number = settled; number < first + lines.length; number++)
      if (this.#fits(number - first)) found.push(number)
    return found
  }

  #fits(index: number): boolean {
    return strip(this.#log.lines[index]?.text ?? '')
      .toLowerCase()
      .includes(this.term)
  }
}
