import { Listing, type ListOptions } from './listing.ts'
import { followLive } from './live.ts'
import type { Transport } from './transport.ts'
import type { EventGap, EventPage, LiveEvent } from './types.ts'

/** Which events to follow. */
export interface EventFilter {
  /** Id, name or number of a job. */
  readonly job?: string
  readonly collection?: string
}

/** Whether an event says that others are missing before it. */
export function isGap(event: LiveEvent): event is EventGap {
  return event.type === 'gap'
}

/** What has happened on the server, and what happens, live. */
export class LiveEvents {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Events that have happened, the newest first, as far back as the server keeps them in memory; with `after` only those
   * behind the event of that id. Its pages say how far back that is, and whether some are missing.
   */
  list(
    filter: EventFilter & { readonly after?: string } = {},
    options: ListOptions = {},
  ): Listing<LiveEvent, EventPage> {
    return new Listing(this.#transport, '/v1/events', filter, options)
  }

  /**
   * Events as they happen, or from behind the event with the id `after` on, as far back as the server keeps them (an
   * {@link EventGap} says where some are missing). A broken connection is made again without losing any. Ends when
   * the consumer stops; rejects when the signal aborts, or when the server stays away for about a minute.
   */
  async *follow(
    filter: EventFilter = {},
    options: {
      readonly after?: string
      readonly signal?: AbortSignal
      /** Called whenever a connection is made. */
      readonly onOpen?: () => void
      /** Called whenever a connection has ended or could not be made, and another is about to be sought. */
      readonly onBreak?: () => void
    } = {},
  ): AsyncGenerator<LiveEvent, void, undefined> {
    const call = { path: '/v1/events', query: { ...filter } }
    for await (const { id = '', event, data } of followLive(this.#transport, call, options)) {
      const members: unknown = JSON.parse(data)
      yield { type: event, ...(typeof members === 'object' ? members : {}), id }
    }
  }
}
