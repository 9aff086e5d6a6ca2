import { createConnection, type Socket } from 'node:net'
import {
  decodeCredit,
  encodeDataHeader,
  encodeEnd,
  encodeHello,
  FRAME,
  type Frame,
  FrameDecoder,
  MAX_DATA,
} from '../../store/output/frames.ts'

/** Bytes of frames collected before they are written together. */
const STAGE_BYTES = 256 * 1024
/** Blocks handed to the socket and not yet taken by the store, from which on nothing is read from any process. */
const FULL_BLOCKS = 4
/** Room for what the store says at a time. */
const CREDIT_BYTES = 4096
/** More than any frame's header with the number of the stream. */
const HEADER_ROOM = 16

/** What the relay wants from whoever reads the output of processes. */
export interface RelayListener {
  /** The store allows this channel `bytes` more. */
  credit(channel: number, bytes: number): void
  /** The store takes output again after {@link Relay.full}. */
  drained(): void
  /** The connection is lost, and with it all further output. Told once. */
  lost(error: Error): void
}

/**
 * The connection to the output store. Frames of one turn of the event loop are copied into one block and written
 * together; blocks are used again, so the relay's memory does not grow with what passes through it.
 */
export class Relay {
  readonly #socket: Socket
  readonly #listener: RelayListener
  readonly #spare: Buffer[] = []
  #stage: Buffer = Buffer.allocUnsafeSlow(STAGE_BYTES)
  #used = 0
  #underWay = 0
  #lost = false

  private constructor(address: string, listener: RelayListener) {
    this.#listener = listener
    const decoder = new FrameDecoder((frame) => this.#take(frame))
    const buffer = Buffer.allocUnsafeSlow(CREDIT_BYTES)
    const callback = (bytes: number): boolean => {
      try {
        decoder.push(buffer.subarray(0, bytes))
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
      return true
    }
    const socket = createConnection({ path: address, onread: { buffer, callback } })
    this.#socket = socket
    socket.on('error', (error) => this.#lose(error))
    socket.on('close', () => this.#lose(new Error('the output store closed the connection')))
  }

  /** Connects and says hello. Rejects when the store cannot be reached. */
  static async connect(address: string, secret: string, listener: RelayListener): Promise<Relay> {
    const relay = new Relay(address, listener)
    await new Promise<void>((resolve, reject) => {
      relay.#socket.once('error', reject)
      relay.#socket.once('connect', () => {
        relay.#socket.off('error', reject)
        resolve()
      })
    })
    relay.#socket.write(encodeHello(secret))
    return relay
  }

  /** True while the store is behind: read nothing more until {@link RelayListener.drained}. */
  get full(): boolean {
    return this.#underWay >= FULL_BLOCKS
  }

  /** Sends output of a process; `bytes` (at most 64 KiB) are copied. Output is dropped once the connection is lost. */
  data(channel: number, stream: 0 | 1, bytes: Uint8Array): void {
    this.#append(encodeDataHeader(channel, stream, bytes.length), bytes)
  }

  /** Says that a channel sends no more. */
  end(channel: number): void {
    this.#append(encodeEnd(channel))
  }

  /** Writes what was collected, and closes the connection when it is sent. */
  async close(): Promise<void> {
    if (this.#lost) return
    this.#lost = true
    this.#flush()
    await new Promise<void>((resolve) => this.#socket.once('close', resolve).end())
  }

  #append(header: Buffer, bytes?: Uint8Array): void {
    if (this.#lost) return
    if (this.#used + MAX_DATA + HEADER_ROOM > STAGE_BYTES) this.#flush()
    if (this.#used === 0) setImmediate(() => this.#flush())
    this.#stage.set(header, this.#used)
    this.#used += header.length
    if (!bytes) return
    this.#stage.set(bytes, this.#used)
    this.#used += bytes.length
  }

  #flush(): void {
    if (this.#used === 0) return
    const block = this.#stage
    const bytes = this.#used
    this.#stage = this.#spare.pop() ?? Buffer.allocUnsafeSlow(STAGE_BYTES)
    this.#used = 0
    this.#underWay++
    this.#socket.write(block.subarray(0, bytes), () => this.#written(block))
  }

  #written(block: Buffer): void {
    const wasFull = this.full
    this.#underWay--
    if (this.#spare.length <= FULL_BLOCKS) this.#spare.push(block)
    if (wasFull && !this.full) this.#listener.drained()
  }

  #take(frame: Frame): void {
    if (frame.type === FRAME.credit) this.#listener.credit(frame.channel, decodeCredit(frame))
  }

  #lose(error: Error): void {
    if (this.#lost) return
    this.#lost = true
    this.#underWay = 0
    this.#used = 0
    this.#listener.lost(error)
    this.#listener.drained()
  }
}
