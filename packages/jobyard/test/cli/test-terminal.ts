import { Readable, Writable } from 'node:stream'
import { runCommand } from '../../src/cli/main.ts'
import { Interrupted, type Sink, type Terminal } from '../../src/cli/terminal.ts'
import { type Clock, systemClock } from '../../src/domain/clock.ts'

/** What a test's terminal is made with. */
export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly home?: string
  readonly folder?: string
  readonly clock?: Clock
  /** What is piped to standard input. */
  readonly input?: string
  /** True: a person sits there, and `input` is what is typed. */
  readonly typed?: boolean
  /** Columns of the terminal that output goes to; absent: it goes to no terminal. */
  readonly columns?: number
}

/** A terminal that remembers what was written to it. */
export interface TestTerminal extends Terminal {
  /** What was written to standard output so far, as bytes. */
  bytes(): Buffer
  out(): string
  err(): string
  /** Presses Ctrl-C. */
  interrupt(): void
  /** Resolves when `text` has been written to standard output or error. */
  wrote(text: string): Promise<void>
}

/** Makes a terminal. */
export function testTerminal(options: TerminalOptions = {}): TestTerminal {
  const controller = new AbortController()
  const watchers = new Set<() => void>()
  const out = new Memory(watchers, options.columns)
  const err = new Memory(watchers, options.columns)
  const stdin = options.typed === true ? typedInput(options.input ?? '') : Readable.from(chunksOf(options.input))
  return {
    stdin,
    stdout: out,
    stderr: err,
    env: options.env ?? {},
    folder: options.folder ?? '/',
    home: options.home ?? '/nonexistent',
    clock: options.clock ?? systemClock,
    interrupted: () => controller.signal,
    bytes: () => Buffer.concat(out.chunks),
    out: () => Buffer.concat(out.chunks).toString(),
    err: () => Buffer.concat(err.chunks).toString(),
    interrupt: () => controller.abort(new Interrupted()),
    async wrote(text) {
      const has = (): boolean => [out, err].some(({ chunks }) => Buffer.concat(chunks).toString().includes(text))
      if (has()) return
      await new Promise<void>((resolve) => {
        const watch = (): void => {
          if (!has()) return
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
      })
    },
  }
}

function chunksOf(input: string | undefined): Buffer[] {
  return input === undefined ? [] : [Buffer.from(input)]
}

/** What somebody types, a key at a time, once somebody listens. */
function typedInput(input: string): Readable & { readonly isTTY: true; setRawMode(raw: boolean): void } {
  const keys = [...input]
  const stream = new Readable({
    read() {
      const key = keys.shift()
      if (key !== undefined) this.push(key)
    },
  })
  return Object.assign(stream, { isTTY: true as const, setRawMode: () => undefined })
}

class Memory extends Writable implements Sink {
  readonly chunks: Buffer[] = []
  readonly isTTY: boolean
  readonly columns: number
  readonly #watchers: Set<() => void>

  constructor(watchers: Set<() => void>, columns: number | undefined) {
    super()
    this.isTTY = columns !== undefined
    this.columns = columns ?? 80
    this.#watchers = watchers
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk)
    done()
    for (const watch of this.#watchers) watch()
  }
}

/** What a command did. */
export interface CommandResult {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** Runs a command to its end. */
export async function command(argv: readonly string[], options: TerminalOptions = {}): Promise<CommandResult> {
  const terminal = testTerminal(options)
  const exit = await runCommand(argv, terminal)
  return { exit, out: terminal.out(), err: terminal.err() }
}
