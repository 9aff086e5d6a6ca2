import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Clock, Timer } from '../../domain/clock.ts'
import { MAX_DATA, WINDOW } from '../../store/output/frames.ts'
import type { PipeEnds, PipePool } from './pipes.ts'
import type { Relay } from './relay.ts'

/** How long a pipe may stay open after the last process of its run has died, milliseconds. */
const DRAIN_MS = 2000
/** The most such waits in a row while the store takes no more. */
const MOST_WAITS = 30

/**
 * What was read last, from whichever pipe: it is copied into the relay before anything else is read, so one buffer
 * serves all, and a silent process costs none.
 */
const readBuffer = Buffer.allocUnsafeSlow(MAX_DATA)

/** The output of one run on its way from two pipes to the store. */
export class Output {
  readonly channel: number
  /** Bytes read so far. */
  bytes = 0
  readonly #relay: Relay
  readonly #pipes: PipePool
  readonly #ends: readonly PipeEnds[]
  #sockets: Socket[] = []
  #credit = WINDOW
  #paused = false
  #open = 0
  #cut = false
  #onClosed: (() => void) | undefined

  /** Opens both pipes. Throws when that is not possible. */
  constructor(channel: number, pipes: PipePool, relay: Relay, user: number | undefined) {
    this.channel = channel
    this.#relay = relay
    this.#pipes = pipes
    const first = pipes.open(user)
    try {
      this.#ends = [first, pipes.open(user)]
    } catch (error) {
      closeSync(first.read)
      closeSync(first.write)
      pipes.giveBack(first.slot, true)
      throw error
    }
  }

  /** What the process gets as its standard output and error. */
  get writers(): readonly number[] {
    return this.#ends.map((ends) => ends.write)
  }

  /** The process has its ends: reading begins, and this side lets go of them. */
  begin(): void {
    this.#open = this.#ends.length
    this.#sockets = this.#ends.map((ends, stream) => {
      closeSync(ends.write)
      return this.#read(ends, stream === 0 ? 0 : 1)
    })
    if (this.#relay.full) this.#pause()
  }

  /** No process was started: both pipes are closed again. */
  abandon(): void {
    for (const ends of this.#ends) {
      closeSync(ends.read)
      closeSync(ends.write)
      this.#pipes.giveBack(ends.slot, true)
    }
  }

  get closed(): boolean {
    return this.#open === 0
  }

  /** True while nothing is read, because the store is behind. */
  get paused(): boolean {
    return this.#paused
  }

  /** More may be sent. */
  allow(bytes: number): void {
    this.#credit += bytes
    this.resume()
  }

  /** Reads on where there is something to send it with. */
  resume(): void {
    if (!this.#paused || this.#credit < MAX_DATA || this.#relay.full) return
    this.#paused = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** Resolves to true when both pipes have ended, to false after `delay` milliseconds when they have not. */
  async closedWithin(delay: number, clock: Clock): Promise<boolean> {
    if (this.#open === 0) return true
    return await new Promise<boolean>((resolve) => {
      let timer: Timer | undefined
      this.#onClosed = () => {
        timer?.cancel()
        resolve(true)
      }
      timer = clock.after(delay, () => {
        this.#onClosed = undefined
        resolve(false)
      })
    })
  }

  /**
   * After the last process of the run has died: takes what is left in the pipes. Should one not end, because somebody
   * who escaped holds it open, it is cut after two seconds; time in which the store takes nothing does not count.
   */
  async drain(clock: Clock): Promise<void> {
    for (let wait = 0; wait < MOST_WAITS; wait++) {
      const paused = this.#paused
      if (await this.closedWithin(DRAIN_MS, clock)) return
      if (!paused && !this.#paused) break
    }
    this.#cut = true
    for (const socket of this.#sockets) socket.destroy()
    await this.closedWithin(DRAIN_MS, clock)
  }

  #read(ends: PipeEnds, stream: 0 | 1): Socket {
    const socket = new Socket({
      fd: ends.read,
      readable: true,
      writable: false,
      onread: {
        buffer: readBuffer,
        callback: (bytes) => this.#pass(stream, bytes),
      },
    })
    let failed = false
    socket.on('error', () => {
      // A pipe can hardly fail; where it does, the rest of its output is lost and the pipe is not used again.
      failed = true
    })
    socket.on('close', () => {
      this.#pipes.giveBack(ends.slot, !this.#cut && !failed)
      if (--this.#open === 0) this.#onClosed?.()
    })
    return socket
  }

  /** Returns false when the pipe shall not be read for now. */
  #pass(stream: 0 | 1, bytes: number): boolean {
    this.bytes += bytes
    this.#credit -= bytes
    this.#relay.data(this.channel, stream, readBuffer.subarray(0, bytes))
    // A read takes up to MAX_DATA, so that much must be allowed before there is another one.
    if (this.#credit < MAX_DATA || this.#relay.full) this.#pause()
    return !this.#paused
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    for (const socket of this.#sockets) socket.pause()
  }
}
