import type { FileHandle } from 'node:fs/promises'

/** Bytes that are read at once. */
const PIECE = 256 * 1024

/**
 * The bytes of an open file from `from` on and before `to`, read as they are taken. The file is closed when they end, when
 * the stream is cancelled, and when the file turns out to be shorter, which is an error.
 */
export function streamOf(
  handle: FileHandle,
  { from, to }: { readonly from: number; readonly to: number },
): ReadableStream<Uint8Array> {
  let position = from
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (position < to) {
            const { buffer, bytesRead } = await handle.read(
              Buffer.allocUnsafeSlow(Math.min(PIECE, to - position)),
              0,
              Math.min(PIECE, to - position),
              position,
            )
            if (bytesRead === 0) throw new Error('The file became shorter while it was read.')
            position += bytesRead
            controller.enqueue(buffer.subarray(0, bytesRead))
          }
          if (position < to) return
          await handle.close()
          controller.close()
        } catch (error) {
          await handle.close()
          throw error
        }
      },
      cancel: () => handle.close(),
    },
    { highWaterMark: 0 },
  )
}
