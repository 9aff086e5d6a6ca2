import type { Duplex } from 'node:stream'
import type { LimitSupport, ProcessExit, ProcessRequest } from './contract.ts'

/** What the warden is told first, before anything else. */
export interface BeginOrder {
  readonly do: 'begin'
  readonly dataFolderId: string
  readonly instanceId: string
  /** Where the output store listens: the path of a Unix socket. */
  readonly address: string
  readonly secret: string
  /** Milliseconds without a word from the server after which the warden ends everything. */
  readonly silentAfterMs: number
}

/** Asks for one process to be started; answered by `started` or `refused`. */
export interface StartOrder extends ProcessRequest {
  readonly do: 'start'
  /** The server's number for this process, used in everything said about it later. */
  readonly id: number
}

/** What the server says to its warden. */
export type Order =
  | BeginOrder
  | StartOrder
  | { readonly do: 'signal'; readonly id: number; readonly name: 'SIGTERM' | 'SIGINT' | 'SIGHUP' }
  | { readonly do: 'kill' | 'freeze' | 'thaw' | 'sample'; readonly id: number }
  | { readonly do: 'beat' }
  | { readonly do: 'stop' }

/** What the warden says to its server. */
export type Report =
  | { readonly is: 'ready'; readonly support: LimitSupport }
  | { readonly is: 'beat' }
  | { readonly is: 'started'; readonly id: number; readonly pid: number }
  | { readonly is: 'refused'; readonly id: number; readonly reason: string }
  | { readonly is: 'exited'; readonly id: number; readonly exit: ProcessExit }
  | { readonly is: 'frozen' | 'thawed'; readonly id: number }
  | { readonly is: 'sample'; readonly id: number; readonly cpuMs: number | null; readonly outputBytes: number }
  | { readonly is: 'output-lost'; readonly message: string }

const NEWLINE = 10

/**
 * One end of the control channel: a JSON text per line. Messages sent in the same turn of the event loop travel in one
 * write, because a system call per message would cost more than the message.
 */
export class Link<In, Out> {
  readonly #stream: Duplex
  readonly #receive: (message: In) => void
  /** Pieces of a line whose end has not arrived. */
  #pieces: Buffer[] = []
  #waiting = ''

  /** The caller gives what the stream receives to {@link take}, and handles its end. `receive` gets each message in order. */
  constructor(stream: Duplex, receive: (message: In) => void) {
    this.#stream = stream
    this.#receive = receive
  }

  send(message: Out): void {
    if (this.#waiting === '') setImmediate(() => void this.flush())
    this.#waiting += `${JSON.stringify(message)}\n`
  }

  /** Writes at once what waits for the end of the turn. Resolves when the system has it, or the stream is closed. */
  async flush(): Promise<void> {
    if (this.#waiting === '') return
    const text = this.#waiting
    this.#waiting = ''
    if (!this.#stream.writable) return
    await new Promise<void>((resolve) => this.#stream.write(text, () => resolve()))
  }

  /** Goes on with the next piece of what is received; its memory is not kept. */
  take(chunk: Buffer): void {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from)
      if (end < 0) break
      this.#receive(JSON.parse(this.#line(chunk.subarray(from, end))) as In)
      from = end + 1
    }
    if (from < chunk.length) this.#pieces.push(Buffer.from(chunk.subarray(from)))
  }

  #line(last: Buffer): string {
    if (this.#pieces.length === 0) return last.toString('utf8')
    this.#pieces.push(last)
    const line = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    return line
  }
}
