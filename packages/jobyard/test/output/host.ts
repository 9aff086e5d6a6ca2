import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  decodeCredit,
  encodeDataHeader,
  encodeEnd,
  encodeHello,
  FRAME,
  FrameDecoder,
  MAX_DATA,
  WINDOW,
} from '../../src/store/output/frames.ts'

/** A process host as small as can be: sends bytes on channels and keeps to the credit it is given. */
export class TestHost {
  readonly #socket: Socket
  readonly #credit = new Map<number, number>()
  #granted: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    const decoder = new FrameDecoder((frame) => {
      if (frame.type !== FRAME.credit) throw new Error(`unexpected frame of type ${frame.type}`)
      this.#credit.set(frame.channel, this.creditOf(frame.channel) + decodeCredit(frame))
      this.#granted()
    })
    socket.on('data', (chunk: Buffer) => decoder.push(chunk))
    socket.on('error', () => socket.destroy())
  }

  static async connect(channel: { readonly address: string; readonly secret: string }): Promise<TestHost> {
    const socket = connect(channel.address)
    await once(socket, 'connect')
    socket.write(encodeHello(channel.secret))
    return new TestHost(socket)
  }

  /** Bytes that the channel may send now. */
  creditOf(channel: number): number {
    return this.#credit.get(channel) ?? WINDOW
  }

  /** Sends all of it as one frame per 64 KiB, waiting for credit where it must. */
  async send(channel: number, stream: 0 | 1, data: string | Buffer): Promise<void> {
    const bytes = Buffer.from(data)
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + Math.min(MAX_DATA, bytes.length - at))
      while (this.creditOf(channel) < piece.length) {
        await new Promise<void>((resolve) => {
          this.#granted = resolve
        })
      }
      this.#credit.set(channel, this.creditOf(channel) - piece.length)
      this.#socket.cork()
      this.#socket.write(encodeDataHeader(channel, stream, piece.length))
      const flushed = this.#socket.write(piece)
      this.#socket.uncork()
      if (!flushed) await once(this.#socket, 'drain')
      at += piece.length
    }
  }

  end(channel: number): void {
    this.#socket.write(encodeEnd(channel))
  }

  /** Drops the connection, as the death of the host would. */
  async drop(): Promise<void> {
    this.#socket.destroy()
    await this.dropped()
  }

  /** Resolves when the other side has dropped the connection. */
  async dropped(): Promise<void> {
    if (this.#socket.closed) return
    await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
  }
}
