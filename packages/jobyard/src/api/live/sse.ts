import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { tokenOf } from '../../services/http/guard.ts'
import { bearerOf } from '../../services/http/sender.ts'
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
 * holds up nobody else and nothing piles up for it; one that takes nothing at all loses its connection, as every quiet
 * one does. The producer's signal aborts when the reader has gone, when its token is not good any longer (noticed
 * within a heartbeat) or when the server closes. Throws 'live-token-full' and 'live-full'.
 */
export function sendLive(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  produce: (signal: AbortSignal) => AsyncGenerator<string, void, undefined>,
): Readable {
  const leave = context.readers.enter(bearerOf(request).tokenId)
  const gone = new AbortController()
  const end = (): void => {
    gone.abort()
    leave()
  }
  reply.raw.once('close', end)
  if (request.raw.destroyed || reply.raw.closed) end()
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    // Proxies that gather an answer before they pass it on are asked not to.
    'x-accel-buffering': 'no',
    // When it ends, nothing keeps the server from closing.
    connection: 'close',
  })
  const signal = AbortSignal.any([gone.signal, context.closing])
  watchToken(context, request, signal, () => gone.abort())
  return Readable.from(withGreeting(produce(signal)), { objectMode: false, highWaterMark: AHEAD })
}

/** Looks at the token of a live stream again and again, and tells when it has expired or was revoked. */
function watchToken(
  { authenticator, services, settings }: ApiContext,
  request: FastifyRequest,
  signal: AbortSignal,
  onWorthless: () => void,
): void {
  const token = tokenOf(request)
  const look = async (): Promise<void> => {
    try {
      if ((await authenticator.authenticate(token)) === null) return onWorthless()
    } catch (err) {
      // The database is away: the stream goes on, and the next look finds out.
      request.log.warn({ err }, 'the token of a live stream could not be looked at')
    }
    wait()
  }
  const wait = (): void => {
    if (signal.aborted) return
    const timer = services.clock.after(settings.heartbeatMs, () => {
      signal.removeEventListener('abort', cancel)
      void look()
    })
    const cancel = (): void => timer.cancel()
    signal.addEventListener('abort', cancel, { once: true })
  }
  wait()
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
