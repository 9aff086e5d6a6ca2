import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeCredit, FRAME, type Frame, FrameDecoder } from '../../src/store/output/frames.ts'

/** What one channel received. */
export interface Received {
  readonly output: Buffer[]
  readonly error: Buffer[]
  bytes: number
  ended: boolean
}

/** The receiving end of the output protocol, which keeps what arrives or only counts it, and can be paused. */
export class Sink {
  readonly secret = 'sesame'
  readonly address: string
  readonly channels = new Map<number, Received>()
  hellos: string[] = []
  /** False: bytes are counted and dropped. */
  keep = true
  readonly #folder = mkdtempSync(join(tmpdir(), 'jobyard-sink-'))
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #paused = false
  #owed: (() => void)[] = []

  private constructor() {
    this.address = join(this.#folder, 'output.sock')
    this.#server = createServer((socket) => this.#accept(socket))
  }

  static async open(): Promise<Sink> {
    const sink = new Sink()
    await new Promise<void>((resolve) => sink.#server.listen(sink.address, resolve))
    return sink
  }

  get channel(): { address: string; secret: string } {
    return { address: this.address, secret: this.secret }
  }

  of(channel: number): Received {
    let received = this.channels.get(channel)
    if (!received) {
      received = { output: [], error: [], bytes: 0, ended: false }
      this.channels.set(channel, received)
    }
    return received
  }

  text(channel: number, stream: 'output' | 'error' = 'output'): string {
    return Buffer.concat(this.of(channel)[stream]).toString('utf8')
  }

  /** From now on no credit is given. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    for (const pay of this.#owed.splice(0)) pay()
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Breaks all connections, as a dying output store does. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    const decoder = new FrameDecoder((frame) => this.#take(frame, socket))
    socket.on('data', (chunk: Buffer) => decoder.push(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #take(frame: Frame, socket: Socket): void {
    if (frame.type === FRAME.hello) {
      this.hellos.push(frame.payload.toString('utf8'))
      return
    }
    const received = this.of(frame.channel)
    if (frame.type === FRAME.end) {
      received.ended = true
      return
    }
    const bytes = frame.payload.subarray(1)
    received.bytes += bytes.length
    if (this.keep) received[frame.payload[0] === 0 ? 'output' : 'error'].push(Buffer.from(bytes))
    const pay = (): void => {
      socket.write(encodeCredit(frame.channel, bytes.length))
    }
    if (this.#paused) this.#owed.push(pay)
    else pay()
  }
}
