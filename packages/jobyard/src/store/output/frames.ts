/**
 * The frames in which a process host sends the output of processes to the output store, and gets credit back:
 *
 *     u32le length of the payload · u8 type · u32le channel · payload
 *
 * A channel begins with {@link WINDOW} bytes of credit. Each DATA frame uses up as much as it has bytes of output (the
 * stream's number is not counted), and the store gives credit back once it has written or dropped them. So a process
 * that prints faster than the disk takes it waits in its own pipe, and holds up nobody else.
 */

/** What a frame is; the number on the wire. */
export const FRAME = {
  /** Host to store, first on every connection, channel 0: the payload is the store's secret in UTF-8. */
  hello: 0,
  /** Host to store: the payload is one byte for the stream (0 output, 1 error), then at most {@link MAX_DATA} bytes of it. */
  data: 1,
  /** Host to store: this channel will send no more. No payload. */
  end: 2,
  /** Store to host: the payload is a u32le, the bytes that this channel may send on top of what it may already. */
  credit: 3,
} as const

/** Bytes before a frame's payload. */
export const HEADER_BYTES = 9

/** Bytes of output that a channel may send before it gets any credit. */
export const WINDOW = 1024 * 1024

/** The most bytes of output in one DATA frame. */
export const MAX_DATA = 64 * 1024

/** The longest payload that a decoder takes. */
export const MAX_PAYLOAD = 1024 * 1024

/** A frame as it was received. */
export interface Frame {
  /** A number of {@link FRAME}, or one that this version does not know. */
  readonly type: number
  readonly channel: number
  /** Shares its memory with the received chunk where the frame lay in one: copy what is to be kept for long. */
  readonly payload: Buffer
}

/** The other side does not speak this protocol; the connection is of no more use. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** The first bytes of a frame whose payload of `payloadBytes` bytes is written right after them. */
export function encodeHeader(type: number, channel: number, payloadBytes: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  writeHeader(header, type, channel, payloadBytes)
  return header
}

/**
 * A whole DATA frame but for its bytes: write this, then exactly `dataBytes` (at most {@link MAX_DATA}) bytes of
 * output, which need not be copied for it.
 */
export function encodeDataHeader(channel: number, stream: 0 | 1, dataBytes: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES + 1)
  writeHeader(header, FRAME.data, channel, dataBytes + 1)
  header[HEADER_BYTES] = stream
  return header
}

/** The frame that a connection begins with. */
export function encodeHello(secret: string): Buffer {
  const payload = Buffer.from(secret, 'utf8')
  return Buffer.concat([encodeHeader(FRAME.hello, 0, payload.length), payload])
}

/** The last frame of a channel. */
export function encodeEnd(channel: number): Buffer {
  return encodeHeader(FRAME.end, channel, 0)
}

/** Allows a channel `bytes` more. */
export function encodeCredit(channel: number, bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 4)
  writeHeader(frame, FRAME.credit, channel, 4)
  frame.writeUInt32LE(bytes, HEADER_BYTES)
  return frame
}

/** The bytes that a CREDIT frame allows. Throws {@link FrameError} when the payload is no u32. */
export function decodeCredit(frame: Frame): number {
  if (frame.payload.length !== 4) {
    throw new FrameError(`a credit frame carries 4 bytes, this one ${frame.payload.length}`)
  }
  return frame.payload.readUInt32LE(0)
}

function writeHeader(target: Buffer, type: number, channel: number, payloadBytes: number): void {
  target.writeUInt32LE(payloadBytes, 0)
  target[4] = type
  target.writeUInt32LE(channel, 5)
}

/**
 * Takes a byte stream in pieces of any size and gives its frames in order. A payload that lies in one piece is not
 * copied; what is kept between pieces is one incomplete frame, so at most {@link MAX_PAYLOAD} bytes.
 */
export class FrameDecoder {
  readonly #take: (frame: Frame) => void
  readonly #header = Buffer.alloc(HEADER_BYTES)
  #headerBytes = 0
  /** The payload of a frame that began in an earlier piece. */
  #payload: Buffer | undefined
  #payloadBytes = 0
  #broken: FrameError | undefined

  /** `take` is called once for each frame, inside {@link push}. */
  constructor(take: (frame: Frame) => void) {
    this.#take = take
  }

  /**
   * Goes on with the next piece of the stream. Throws {@link FrameError} when a frame says that it is longer than
   * {@link MAX_PAYLOAD}, and from then on always: where the next frame would begin is not known any more.
   */
  push(chunk: Buffer): void {
    if (this.#broken) throw this.#broken
    let offset = 0
    while (offset < chunk.length) {
      offset = this.#payload ? this.#fill(this.#payload, chunk, offset) : this.#begin(chunk, offset)
    }
  }

  /** Goes on with a payload of which the beginning is here already. */
  #fill(payload: Buffer, chunk: Buffer, offset: number): number {
    const copied = chunk.copy(payload, this.#payloadBytes, offset)
    this.#payloadBytes += copied
    if (this.#payloadBytes === payload.length) {
      this.#payload = undefined
      this.#take({ type: this.#header[4] ?? 0, channel: this.#header.readUInt32LE(5), payload })
    }
    return offset + copied
  }

  /** Reads a header, and the payload too when all of it is in this piece. */
  #begin(chunk: Buffer, offset: number): number {
    let header: Buffer = this.#header
    let at = 0
    if (this.#headerBytes === 0 && chunk.length - offset >= HEADER_BYTES) {
      header = chunk
      at = offset
      offset += HEADER_BYTES
    } else {
      const copied = chunk.copy(header, this.#headerBytes, offset, offset + HEADER_BYTES - this.#headerBytes)
      offset += copied
      this.#headerBytes += copied
      if (this.#headerBytes < HEADER_BYTES) return offset
      this.#headerBytes = 0
    }
    const length = this.#lengthOf(header, at)
    if (chunk.length - offset >= length) {
      const payload = chunk.subarray(offset, offset + length)
      this.#take({ type: header[at + 4] ?? 0, channel: header.readUInt32LE(at + 5), payload })
      return offset + length
    }
    if (header !== this.#header) header.copy(this.#header, 0, at, at + HEADER_BYTES)
    this.#payload = Buffer.allocUnsafeSlow(length)
    this.#payloadBytes = 0
    return offset
  }

  #lengthOf(header: Buffer, at: number): number {
    const length = header.readUInt32LE(at)
    if (length <= MAX_PAYLOAD) return length
    this.#broken = new FrameError(`a frame of ${length} bytes is announced; the most is ${MAX_PAYLOAD}`)
    throw this.#broken
  }
}
