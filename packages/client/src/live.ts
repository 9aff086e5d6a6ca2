import { JobyardProblem, notJobyard, unreachable } from './problem.ts'
import { EventParser, type ServerEvent } from './sse.ts'
import type { Call } from './call.ts'
import type { Transport } from './transport.ts'

/** How a live stream is followed. */
export interface LiveOptions {
  /** Go on behind the event with this id. */
  readonly after?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** A connection on which nothing comes for so long, in milliseconds, is given up: the server sends a word every 15 s. Default 45,000. */
  readonly quietMs?: number | undefined
  /** Called whenever a connection is made: from then on nothing is missed. */
  readonly onOpen?: (() => void) | undefined
  /** Called whenever a connection has ended or could not be made, and another is about to be sought. */
  readonly onBreak?: (() => void) | undefined
}

/** Nothing on a connection for so long, in milliseconds, and it is given up. */
export const QUIET_MS = 45_000
/** So often in a row a connection that was there before is sought again: about a minute. */
const PATIENCE = 15

/**
 * The events of a live stream. When the connection breaks it is made again and the stream goes on behind the last event
 * (Last-Event-ID), for about a minute without success. Ends only when the consumer stops or the signal aborts.
 */
export async function* followLive(
  transport: Transport,
  call: Pick<Call, 'path' | 'query'>,
  options: LiveOptions,
): AsyncGenerator<ServerEvent, never, undefined> {
  const { signal, quietMs = QUIET_MS } = options
  let lastId = options.after
  let wasOpen = false
  let refusals = 0
  for (let breaks = 1; ; breaks++) {
    try {
      for await (const event of connectOnce(transport, call, { after: lastId, signal, quietMs })) {
        refusals = 0
        wasOpen = true
        if (event === 'open') {
          options.onOpen?.()
          continue
        }
        breaks = 0
        lastId = event.id
        yield event
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!wasOpen || !isPassing(error) || ++refusals > PATIENCE) throw error
    }
    options.onBreak?.()
    await transport.pause(Math.max(breaks, 1), signal)
  }
}

/** What another attempt may mend: no connection, or a server that says it is not ready. */
function isPassing(error: unknown): boolean {
  return error instanceof JobyardProblem && (error.unreachable || error.status >= 500)
}

/** One connection: first the word `open`, then its events. Ends when the server closes it. */
async function* connectOnce(
  transport: Transport,
  call: Pick<Call, 'path' | 'query'>,
  { after, signal, quietMs }: { after: string | undefined; signal: AbortSignal | undefined; quietMs: number },
): AsyncGenerator<ServerEvent | 'open', void, undefined> {
  const ours = new AbortController()
  const both = signal === undefined ? ours.signal : AbortSignal.any([signal, ours.signal])
  const headers = after === undefined ? {} : { 'last-event-id': after }
  try {
    const response = await transport.response({
      ...call,
      method: 'GET',
      accept: 'text/event-stream',
      headers,
      signal: both,
    })
    const origin = transport.base.origin
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true || response.body === null) {
      throw notJobyard(response, origin)
    }
    yield 'open'
    const parser = new EventParser(after)
    for await (const bytes of readChunks(response.body, quietMs, origin)) yield* parser.push(bytes)
  } finally {
    // Closes the connection when the consumer has gone before its end.
    ours.abort()
  }
}

/** The chunks of a body, for which nobody else reads; throws a problem when it breaks or when nothing comes for too long. */
export async function* readChunks(
  body: ReadableStream<Uint8Array>,
  quietMs: number,
  origin: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader()
  for (;;) {
    const silence = Promise.withResolvers<never>()
    const timer = setTimeout(() => silence.reject(new TypeError('nothing came any more')), quietMs)
    try {
      const { done, value } = await Promise.race([reader.read(), silence.promise])
      if (done) return
      yield value
    } catch (error) {
      throw error instanceof TypeError ? unreachable(origin, error) : error
    } finally {
      clearTimeout(timer)
    }
  }
}
