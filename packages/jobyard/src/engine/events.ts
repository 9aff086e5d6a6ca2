import type { State } from '@jobyard/jobs'

/** What the engine announces. Logs, metrics and live streams listen; none of them can hold the engine up. */
export type EngineEvent =
  | {
      readonly type: 'run.created'
      readonly runId: string
      readonly jobId: string
      readonly number: number
      /** `running` when an instance with room took it at once. */
      readonly state: 'pending' | 'running'
    }
  | {
      readonly type: 'run.changed'
      readonly runId: string
      readonly jobId: string
      readonly number: number
      readonly from: State
      readonly state: State
      readonly reasonCode: string | null
      readonly reasonText: string | null
    }
  | {
      readonly type: 'task.changed'
      readonly taskId: string
      readonly runId: string
      readonly jobId: string
      readonly state: State
    }
  | { readonly type: 'job.saved' | 'job.deleted'; readonly jobId: string; readonly name: string }
  /** Something is to be known of a job, or no longer, though nobody saved it. */
  | { readonly type: 'job.warned'; readonly jobId: string; readonly name: string }
  | {
      /** Occurrences of a schedule that made no run; `due` is the latest of them. */
      readonly type: 'schedule.passed'
      readonly jobId: string
      readonly due: number
      readonly count: number
      readonly reason: string
    }
  | {
      /** The end of a run asked for one of another job, and got none. */
      readonly type: 'trigger.refused'
      readonly jobId: string
      readonly why: 'after' | 'failure'
      /** The run that ended. */
      readonly runId: string
      readonly reason: string
    }
  | {
      /** A schedule that was good once cannot be worked out any longer; it rests. */
      readonly type: 'schedule.unreadable'
      readonly jobId: string
      readonly message: string
    }
  | {
      /** The app settings of a collection were changed. */
      readonly type: 'settings.changed'
      readonly collectionId: string
      /** True when jobs see something else from now on: continuous jobs that run on this instance start again with it. */
      readonly restart: boolean
      /** True when another number of runs is kept from now on. */
      readonly history: boolean
    }
  | { readonly type: 'instance.gone'; readonly instanceId: string }
  | { readonly type: 'lease.lost'; readonly instanceId: string }
  | { readonly type: 'error'; readonly where: string; readonly error: unknown }

/** An event with its place in the order of this process. */
export interface NumberedEvent {
  readonly id: number
  readonly time: number
  readonly event: EngineEvent
}

/** Events kept for listeners that come back after a break. */
const KEPT_EVENTS = 10_000

/** Hands events to whoever listens, and keeps the latest for those who were away. */
export class Events {
  readonly #now: () => number
  readonly #listeners = new Set<(event: NumberedEvent) => void>()
  readonly #kept: NumberedEvent[] = []
  #first = 0
  #lastId = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Announces; a listener that throws is dropped, and the loss is announced to the others. */
  emit(event: EngineEvent): void {
    const numbered = { id: ++this.#lastId, time: this.#now(), event }
    this.#keep(numbered)
    for (const listener of this.#listeners) {
      try {
        listener(numbered)
      } catch (error) {
        this.#listeners.delete(listener)
        this.emit({ type: 'error', where: 'event listener', error })
      }
    }
  }

  /** Listens from now on. Answers how to stop. */
  listen(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The events after a given one; null when some of them are not kept any longer. */
  since(id: number): NumberedEvent[] | null {
    const events = this.#inOrder()
    const oldest = events[0]?.id ?? this.#lastId + 1
    if (id < oldest - 1 || id > this.#lastId) return null
    return events.filter((event) => event.id > id)
  }

  /** All events that are kept, the oldest first. */
  kept(): readonly NumberedEvent[] {
    return this.#inOrder()
  }

  /** Id of the latest event; 0 when there was none. */
  get lastId(): number {
    return this.#lastId
  }

  #keep(event: NumberedEvent): void {
    if (this.#kept.length < KEPT_EVENTS) {
      this.#kept.push(event)
      return
    }
    this.#kept[this.#first] = event
    this.#first = (this.#first + 1) % KEPT_EVENTS
  }

  #inOrder(): NumberedEvent[] {
    return [...this.#kept.slice(this.#first), ...this.#kept.slice(0, this.#first)]
  }
}
