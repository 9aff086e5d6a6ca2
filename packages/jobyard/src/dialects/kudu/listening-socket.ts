import { Socket } from 'node:net'

type Done = (error?: Error | null) => void

/** What a write fails with when the other side takes no more. */
const NOT_TAKEN: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET'])

/**
 * A connection that goes on listening when the other side takes no more of what is said: it may have answered already, as
 * whoever refuses a large body does, and that answer still lies there to be read. What it did not take is forgotten.
 */
export class ListeningSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, forgiving(done))
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, forgiving(done))
  }
}

function forgiving(done: Done): Done {
  return (error) => done(error && 'code' in error && NOT_TAKEN.has(error.code) ? null : error)
}
