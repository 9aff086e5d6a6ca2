import { timingSafeEqual } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../domain/clock.ts'
import { encodeCredit, FRAME, type Frame, FrameDecoder, FrameError } from './frames.ts'
import { releaseAddress, reserveAddress } from './intake-address.ts'

/** A connection must say hello within this time, in milliseconds. */
const HELLO_MS = 5000

/** What comes from process hosts. */
export interface IntakeListener {
  /** Output of a channel; `stream` is 0 or 1. */
  data(host: Host, channel: number, stream: number, bytes: Buffer): void
  /** The channel will send no more. */
  end(host: Host, channel: number): void
  /** The connection is gone, and with it everything that its channels had not sent. */
  lost(host: Host): void
}

/** A connected process host that knew the secret. */
export class Host {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Allows a channel to send `bytes` more. */
  credit(channel: number, bytes: number): void {
    // While the connection ends this goes nowhere, and nobody needs it.
    if (this.#socket.writable) this.#socket.write(encodeCredit(channel, bytes))
  }
}

/** The local socket on which process hosts send the output of processes. */
export class Intake {
  #listener: IntakeListener | undefined
  readonly #secret: Buffer
  readonly #clock: Clock
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #hosts = new Set<Host>()
  #address: string | undefined
  #paused = false

  constructor(secret: string, clock: Clock) {
    this.#secret = Buffer.from(secret, 'utf8')
    this.#clock = clock
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /** True while nothing is read because too much is pending. */
  get paused(): boolean {
    return this.#paused
  }

  /** How many process hosts are connected. */
  get hostCount(): number {
    return this.#hosts.size
  }

  /** Begins to listen, and gives the address: the path of a Unix socket, or of a named pipe on Windows. */
  async listen(listener: IntakeListener): Promise<string> {
    this.#listener = listener
    const address = await reserveAddress(this.#clock)
    this.#address = address
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(address, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    return address
  }

  /** Makes all hosts wait, or goes on. */
  pause(on: boolean): void {
    if (this.#paused === on) return
    this.#paused = on
    for (const socket of this.#sockets) on ? socket.pause() : socket.resume()
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    if (this.#address) await releaseAddress(this.#address)
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    let host: Host | undefined
    const decoder = new FrameDecoder((frame) => {
      if (host) this.#take(host, frame)
      else host = this.#greet(socket, frame)
    })
    const deadline = this.#clock.after(HELLO_MS, () => {
      if (!host) socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        decoder.push(chunk)
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        socket.destroy()
      }
    })
    // 'close' follows; that a host was killed is nothing that this side could do something about.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      deadline.cancel()
      this.#sockets.delete(socket)
      if (!host) return
      this.#hosts.delete(host)
      this.#listener?.lost(host)
    })
    if (this.#paused) socket.pause()
  }

  /** Whoever does not know the secret is not talked to. */
  #greet(socket: Socket, frame: Frame): Host {
    const right = frame.payload.length === this.#secret.length && timingSafeEqual(frame.payload, this.#secret)
    if (frame.type !== FRAME.hello || !right) throw new FrameError('the connection did not begin with the secret')
    const host = new Host(socket)
    this.#hosts.add(host)
    return host
  }

  #take(host: Host, { type, channel, payload }: Frame): void {
    if (type === FRAME.end) {
      this.#listener?.end(host, channel)
      return
    }
    const stream = payload[0]
    if (type !== FRAME.data || (stream !== 0 && stream !== 1))
      throw new FrameError(`a frame of type ${type} is not understood`)
    this.#listener?.data(host, channel, stream, payload.subarray(1))
  }
}
