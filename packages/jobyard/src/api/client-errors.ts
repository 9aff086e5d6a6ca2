import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../domain/clock.ts'
import { type ErrorCode, JobyardError } from '../domain/errors.ts'
import type { Ids } from '../domain/ids.ts'
import { PROBLEM_TYPE, showProblem } from './answers.ts'

/** What goes wrong before there is a request at all, by Node's codes. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'head-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-too-slow',
}

/** How long the other side may take to close a connection that is ended here, milliseconds. */
const CLOSE_MS = 1000

/** Answers what cannot be read as a request, and closes its connection. */
export class ClientErrors {
  readonly #clock: Clock
  readonly #ids: Ids
  /** The latest answer of each connection, and those before it that were not finished when it began. */
  readonly #answers = new WeakMap<Socket, readonly ServerResponse[]>()

  constructor({ clock, ids }: { readonly clock: Clock; readonly ids: Ids }) {
    this.#clock = clock
    this.#ids = ids
  }

  /** To be called with the answer of every request, before anything is written to it. */
  note(answer: ServerResponse): void {
    const { socket } = answer.req
    const before = this.#answers.get(socket) ?? []
    this.#answers.set(socket, [...before.filter((each) => !each.writableFinished), answer])
  }

  /** Answers where no other answer can be mistaken for it, and closes the connection in any case. */
  answer(error: Error & { readonly code?: string }, socket: Socket): void {
    const answers = this.#answers.get(socket) ?? []
    if (error.code === 'ECONNRESET' || !socket.writable || answers.some(isUnderWay)) {
      socket.destroy()
      return
    }
    // A request that was refused for its head has its answer, whatever its body turns out to be.
    const latest = answers.at(-1)
    const isAnswered = latest?.writableFinished === true && !latest.req.complete
    // Ended and not destroyed: the answer would be lost with what the kernel has not read yet.
    socket.end(isAnswered ? '' : this.#write(error.code))
    // Who does not close his side is not waited for: the server could not stop.
    const timer = this.#clock.after(CLOSE_MS, () => socket.destroy())
    socket.once('close', () => timer.cancel())
  }

  #write(cause = ''): string {
    const shown = new JobyardError(CODES[cause] ?? 'request-broken')
    const body = JSON.stringify(showProblem(shown, this.#ids.next()))
    const head = [
      `HTTP/1.1 ${shown.status} ${STATUS_CODES[shown.status]}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]
    return `${head.join('\r\n')}\r\n\r\n${body}`
  }
}

/** Whether what is written now would be part of this answer, or come in its place. */
function isUnderWay({ req, headersSent, writableFinished }: ServerResponse): boolean {
  if (writableFinished) return false
  // What cannot be read of an incomplete request is its own body: that is what is to be answered.
  return req.complete || headersSent
}
