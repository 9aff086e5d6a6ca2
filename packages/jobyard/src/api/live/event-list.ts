import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { showMaybeInstant } from '../views/runs.ts'
import { concerns, type EventScope, type FeedParts, idOf, lookBack, mayConcern, showEvent } from './event-feed.ts'

/** Which of the events that are kept to list. */
export interface EventQuery {
  readonly scope: EventScope
  /** The id of an event, behind which the list ends; undefined: as far back as events are kept. */
  readonly after: string | undefined
  /** Where the page before ended. */
  readonly cursor: string | undefined
  readonly limit: number
}

/**
 * A page of the events that this process keeps, the newest first. `gap` is true when some behind `after` are not kept any
 * longer. Throws 'input-invalid' for a cursor that is none.
 */
export async function listEvents(
  { events, directory, epoch }: Pick<FeedParts, 'events' | 'directory' | 'epoch'>,
  { scope, after, cursor, limit }: EventQuery,
) {
  const kept = events.kept()
  const missed = after === undefined ? kept : lookBack(events, epoch, after)
  const before = readBefore(cursor, epoch)
  const found = []
  for (const each of (missed ?? kept).toReversed()) {
    if (each.id >= before || !mayConcern(each.event, scope, directory)) continue
    if (!(await concerns(each.event, scope, directory))) continue
    found.push(each)
    if (found.length > limit) break
  }
  const { items, next } = cutPage(found, limit, ({ id }) => writeCursor('events', epoch, id))
  return {
    items: items.map((each) => ({ id: idOf(each, epoch), ...showEvent(each) })),
    next,
    gap: missed === null,
    keptSince: showMaybeInstant(kept[0]?.time),
  }
}

/** The number of the event before which a page begins. Behind a page of an earlier process nothing is kept. */
function readBefore(cursor: string | undefined, epoch: string): number {
  const [process, id] = readCursor('events', cursor, 'string', 'number') ?? [epoch, Number.POSITIVE_INFINITY]
  return process === epoch ? id : 0
}
