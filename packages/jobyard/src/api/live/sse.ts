import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Timer } from '../../domain/clock.ts'
import { admitAgain } from '../../services/http/guard.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'

/** A line that says nothing, so that both sides know the connection lives. */
export const HEARTBEAT = ': still here\n\n'

/**
 * Milliseconds between two looks at the token of a live stream: with the time for which a token that was found is trusted,
 * how long a stream may outlive a revocation by another instance.
 */
const LOOK_EVERY_MS = 2000

/** Characters that wait for a socket before its producer stops reading. */
const AHEAD = 16 * 1024

/** An event of a text/event-stream, as the HTML standard §9.2 has it. JSON has no line ends of its own. */
export function formatEvent(event: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/**
 * Answers with a live stream. The producer is only asked for more while the socket takes what it gave, so a slow reader
 * holds up nobody else and nothing piles up for it; one that takes nothing at all loses its connection, as every quiet
 * one does. The producer's signal aborts when the reader has gone, when its token is not good any longer (at once
 * when this instance revoked it, within five seconds otherwise) or when the server closes. Throws 'live-token-full' and 'live-full'.
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

/**
 * Looks at the token of a live stream again and again, and at once when this instance has one revoked or a session ended;
 * tells when it is worth nothing any longer.
 */
function watchToken(
  { authenticator, services }: ApiContext,
  request: FastifyRequest,
  signal: AbortSignal,
  onWorthless: () => void,
): void {
  let timer: Timer | undefined
  const look = async (): Promise<void> => {
    timer?.cancel()
    try {
      if ((await admitAgain(request, authenticator)) === null) return onWorthless()
    } catch (err) {
      // The database is away: the stream goes on, and the next look finds out.
      request.log.warn({ err }, 'the token of a live stream could not be looked at')
    }
    wait()
  }
  const wait = (): void => {
    timer?.cancel()
    if (!signal.aborted) timer = services.clock.after(LOOK_EVERY_MS, () => void look())
  }
  const deaf = authenticator.onForgotten(() => void look())
  const leave = (): void => {
    timer?.cancel()
    deaf()
  }
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  else wait()
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
