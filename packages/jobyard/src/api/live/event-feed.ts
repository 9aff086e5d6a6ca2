import type { EngineEvent, Events, NumberedEvent } from '../../engine/events.ts'
import type { Directory } from '../../services/directory.ts'
import { showInstant } from '../views/runs.ts'
import type { Bell } from './bell.ts'
import { formatEvent, HEARTBEAT } from './sse.ts'

/** Events that wait for one reader; with more than these it is too slow and is sent away. */
const MOST_WAITING = 1000
/** Events that are written at once. */
const AT_ONCE = 100

/** Which events a reader is to get. */
export interface EventScope {
  readonly jobId?: string
  /** The only collection of which events are shown. */
  readonly collectionId?: string
}

/** What a feed is made of. */
export interface FeedParts {
  readonly events: Events
  readonly directory: Directory
  readonly bell: Bell
  /** Tells the events of this process from those of an earlier one, whose numbers began at 1 too. */
  readonly epoch: string
  readonly heartbeatMs: number
}

/** The engine's events for one reader, from behind the one it saw last. */
export async function* feedEvents(
  { events, directory, bell, epoch, heartbeatMs }: FeedParts,
  scope: EventScope,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let waiting: NumberedEvent[] = []
  let tooSlow = false
  // Listening and looking back happen in one breath, so nothing falls in between.
  const deaf = events.listen((event) => {
    if (tooSlow || !mayConcern(event.event, scope, directory)) return
    tooSlow = waiting.length >= MOST_WAITING
    if (!tooSlow) waiting.push(event)
    bell.ring()
  })
  const missed = lookBack(events, epoch, after)
  const stop = (): void => bell.ring()
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (missed === null) {
      const data = { reason: 'Events before this one are not kept any longer.' }
      yield formatEvent('gap', data, `${epoch}-${events.lastId}`)
    } else waiting = missed.filter(({ event }) => mayConcern(event, scope, directory)).concat(waiting)
    while (!signal.aborted) {
      const batch = waiting.splice(0, AT_ONCE)
      const text = (await Promise.all(batch.map((event) => write(event, scope, directory, epoch)))).join('')
      if (text !== '') yield text
      else if (batch.length === 0 && !tooSlow && !(await bell.wait(heartbeatMs))) yield HEARTBEAT
      if (tooSlow && waiting.length === 0) {
        // Without an id: who comes back goes on behind what it got, and finds the rest as long as it is kept.
        yield formatEvent('gap', { reason: 'Events came faster than they were read. Connect again.' })
        return
      }
    }
  } finally {
    deaf()
    signal.removeEventListener('abort', stop)
  }
}

/** The events behind the one that was seen last; null when some are lost. */
export function lookBack(events: Events, epoch: string, after: string | undefined): NumberedEvent[] | null {
  if (after === undefined) return []
  const [seen, id] = after.split('-')
  return seen === epoch && id !== undefined && /^\d{1,15}$/.test(id) ? events.since(Number(id)) : null
}

/** False for what the reader is certainly not to see; what must be looked up first may concern it. */
export function mayConcern(event: EngineEvent, { jobId, collectionId }: EventScope, directory: Directory): boolean {
  // Errors are the log's; who is up and who is gone is about the whole installation.
  if (event.type === 'error') return false
  if (event.type === 'settings.changed') {
    return jobId === undefined && (collectionId === undefined || collectionId === event.collectionId)
  }
  if (!('jobId' in event)) return jobId === undefined && collectionId === undefined
  if (jobId !== undefined && event.jobId !== jobId) return false
  const brief = collectionId === undefined ? undefined : directory.recall(event.jobId)
  return brief === undefined || brief.collectionId === collectionId
}

async function write(numbered: NumberedEvent, scope: EventScope, directory: Directory, epoch: string): Promise<string> {
  if (!(await concerns(numbered.event, scope, directory))) return ''
  return formatEvent(numbered.event.type, showEvent(numbered), idOf(numbered, epoch))
}

/** Whether a reader is to see an event; the collection of its job is looked up when that is not remembered. */
export async function concerns(
  event: EngineEvent,
  { collectionId }: EventScope,
  directory: Directory,
): Promise<boolean> {
  if (collectionId === undefined) return true
  if (event.type === 'settings.changed') return event.collectionId === collectionId
  const brief = 'jobId' in event ? await directory.brief(event.jobId) : undefined
  return brief?.collectionId === collectionId
}

/** An event as it is shown. */
export function showEvent({ time, event }: NumberedEvent) {
  const due = 'due' in event ? { due: showInstant(event.due) } : {}
  return { ...event, ...due, time: showInstant(time) }
}

/** The id of an event as readers give it back. */
export function idOf({ id }: NumberedEvent, epoch: string): string {
  return `${epoch}-${id}`
}
