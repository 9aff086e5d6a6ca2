import { bytesOf, type OutputEntry, type OutputStream } from '@jobyard/client'
import { type Look, readAnsi } from './ansi.ts'
import type { Line } from './line.ts'

/** The most lines that are kept; beyond them the oldest go, this many at once. */
const MOST_LINES = 400_000
const AT_ONCE = 50_000
const PLAIN: Look = {}

/** Makes lines of the pieces of an output, in the order in which they began. */
export class LogLines {
  readonly #listeners = new Set<() => void>()
  /** The line of each stream that has not ended yet, by its number. */
  readonly #open = new Map<OutputStream, number>()
  readonly #looks = new Map<OutputStream, Look>()
  readonly #decoders = new Map<OutputStream, TextDecoder>()
  #lines: Line[] = []
  #first = 0
  #longest = 0
  #version = 0
  #told: number | undefined

  /** Lines kept. */
  get lines(): readonly Line[] {
    return this.#lines
  }

  /** Number of the first line that is kept, from 0: so many before it are gone. */
  get first(): number {
    return this.#first
  }

  /** Characters of the longest line. */
  get longest(): number {
    return this.#longest
  }

  /** The number below which no line changes any more. */
  get settled(): number {
    return Math.min(this.#first + this.#lines.length, ...this.#open.values())
  }

  /** Grows with every change. */
  readonly version = (): number => this.#version

  /** Listens to changes, which are told once per frame. Answers how to stop. */
  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Adds a piece of output. */
  add(entry: OutputEntry): void {
    const { stream, time } = entry
    const pieces = this.#textOf(entry).split('\n')
    const rest = pieces.pop() ?? ''
    for (const piece of pieces) {
      this.#write(stream, time, piece)
      this.#end(stream)
    }
    if (rest !== '') this.#write(stream, time, rest)
    if (this.#lines.length > MOST_LINES) this.#forget(AT_ONCE)
    this.#tell()
  }

  /** Adds a line of our own. */
  remark(text: string, time: string): void {
    this.#lines.push({ stream: 'system', time, text, start: PLAIN })
    this.#tell()
  }

  #textOf(entry: OutputEntry): string {
    const { stream, text } = entry
    const decoder = this.#decoders.get(stream)
    if (decoder === undefined && text !== undefined) return text
    // A character may be cut in two by the borders of pieces; from then on they are read as one stream of bytes.
    const reader = decoder ?? new TextDecoder()
    this.#decoders.set(stream, reader)
    return reader.decode(bytesOf(entry), { stream: true })
  }

  #write(stream: OutputStream, time: string, piece: string): void {
    const open = this.#open.get(stream)
    const index = open === undefined ? -1 : open - this.#first
    const line = this.#lines[index]
    const text = overwrite(line?.text ?? '', piece)
    this.#longest = Math.max(this.#longest, text.length)
    if (line !== undefined) {
      this.#lines[index] = { ...line, text }
      return
    }
    this.#open.set(stream, this.#first + this.#lines.length)
    this.#lines.push({ stream, time, text, start: this.#looks.get(stream) ?? PLAIN })
  }

  #end(stream: OutputStream): void {
    const number = this.#open.get(stream)
    this.#open.delete(stream)
    const line = number === undefined ? undefined : this.#lines[number - this.#first]
    if (line === undefined) return
    if (line.text.endsWith('\r')) this.#lines[(number ?? 0) - this.#first] = { ...line, text: line.text.slice(0, -1) }
    if (line.text.includes('\x1b')) this.#looks.set(stream, readAnsi(line.text, line.start).end)
  }

  #forget(count: number): void {
    this.#lines = this.#lines.slice(count)
    this.#first += count
    for (const [stream, number] of this.#open) if (number < this.#first) this.#open.delete(stream)
  }

  #tell(): void {
    this.#version++
    this.#told ??= requestAnimationFrame(() => {
      this.#told = undefined
      for (const listener of this.#listeners) listener()
    })
  }
}

/** A carriage return goes back to the beginning of the line, as progress bars do; one at the very end waits for what comes. */
function overwrite(before: string, piece: string): string {
  const text = before + piece
  const back = text.lastIndexOf('\r', text.length - 2)
  return back < 0 ? text : text.slice(back + 1)
}
