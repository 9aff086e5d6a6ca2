import { paint } from './failure.ts'
import type { Terminal } from './terminal.ts'
import { saySize } from './wording.ts'

const BAR = 24
/** Between two drawings, milliseconds. */
const REDRAW_MS = 100

/** A line that shows how far something is. Nothing is drawn where there is no terminal. */
export class Progress {
  readonly #terminal: Terminal
  readonly #what: string
  readonly #total: number
  #drawnAt = Number.NEGATIVE_INFINITY
  #drawn = false

  /** `total` is the number of bytes to come. */
  constructor(terminal: Terminal, what: string, total: number) {
    this.#terminal = terminal
    this.#what = what
    this.#total = total
  }

  /** Shows that so many bytes are done. */
  advance(bytes: number): void {
    const { stderr, clock } = this.#terminal
    if (stderr.isTTY !== true) return
    const now = clock.elapsed()
    if (now - this.#drawnAt < REDRAW_MS && bytes < this.#total) return
    this.#drawnAt = now
    this.#drawn = true
    const share = this.#total === 0 ? 1 : Math.min(1, bytes / this.#total)
    const full = Math.round(share * BAR)
    const bar = `${paint(stderr, 'cyan', '━'.repeat(full))}${paint(stderr, 'dim', '─'.repeat(BAR - full))}`
    const amount = `${saySize(Math.min(bytes, this.#total))} of ${saySize(this.#total)}`
    stderr.write(`\r${this.#what} ${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${amount}\u001b[K`)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawn) this.#terminal.stderr.write('\r\u001b[K')
    this.#drawn = false
  }
}
