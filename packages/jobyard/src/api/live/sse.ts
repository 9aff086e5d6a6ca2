import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiContext } from '../context.ts'

/** A line that says nothing, so that both sides know the connection lives. */
export const HEARTBEAT = ': still here\n\n'

/** Characters that wait for a socket before its producer stops reading. */
const AHEAD = 16 * 1024

/** An event of a text/event-stream, as the HTML standard §9.2 has it. JSON has no line ends of its own. */
export function formatEvent(event: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/**
 * Answers with a live stream. The producer is only asked for more while the socket takes what it gave, so a slow reader
 * holds up nobody else and nothing piles up for it. Its signal aborts when the reader has gone or the server closes.
 */
export function sendLive(
  { closing }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  produce: (signal: AbortSignal) => AsyncGenerator<string, void, undefined>,
): Readable {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  if (request.raw.destroyed) gone.abort()
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    // Proxies that gather an answer before they pass it on are asked not to.
    'x-accel-buffering': 'no',
    // When it ends, nothing keeps the server from closing.
    connection: 'close',
  })
  const signal = AbortSignal.any([gone.signal, closing])
  return Readable.from(withGreeting(produce(signal)), { objectMode: false, highWaterMark: AHEAD })
}

/** The head of the answer goes out with its first byte, so there is one at once. */
async function* withGreeting(events: AsyncGenerator<string, void, undefined>): AsyncGenerator<string, void, undefined> {
  yield ': connected\n\n'
  yield* events
}

/** What the browser, or whoever connects again, was told last; a query says it where no header can be set. */
export function lastEventId(request: FastifyRequest): string | undefined {
  const id = request.headers['last-event-id']
  return typeof id === 'string' && id !== '' ? id : undefined
}
