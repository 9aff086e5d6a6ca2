import type { FinishedState } from '@jobyard/jobs'
import type { RunRow, TaskRow } from '../domain/model.ts'
import type { Opened, OpenTasks } from '../store/procedures/open-tasks.ts'
import type { Ownership } from '../store/procedures/run-core.ts'
import type { TaskChange } from '../store/procedures/work.ts'
import type { ActiveRun } from './active-run.ts'
import { Batcher } from './batcher.ts'
import type { Reason } from './kind.ts'
import type { EngineParts } from './parts.ts'
import { type Absorb, isPassing, persist } from './persist.ts'
import { reasonOf } from './work-task.ts'

/** How often a write is tried that fails for another reason than a full disk or a lost database. */
const TRIES_IN_SPITE = 3

/** Something for the record, with the job that its announcement names. */
interface Entry<T> {
  readonly item: T
  readonly jobId: string
}

/**
 * Puts on record what is done for runs that this instance owns, and announces tasks as they stand there. Each write is
 * tried until it succeeds; once the run is another's it is given up, and answers undefined.
 */
export class Records {
  readonly #parts: EngineParts
  readonly #absorb: Absorb
  readonly #opening: Batcher<Entry<OpenTasks>, Opened['added'][number]>
  readonly #changing: Batcher<Entry<TaskChange>, boolean>

  constructor(parts: EngineParts, absorb: Absorb) {
    this.#parts = parts
    this.#absorb = absorb
    this.#opening = new Batcher((entries) => this.#openAll(entries))
    this.#changing = new Batcher((entries) => this.#changeAll(entries))
  }

  /** Records planned tasks. Answers the ids of those that are new, or why none is, or what of them cannot be stored. */
  open(
    active: ActiveRun,
    tasks: Omit<OpenTasks, keyof Ownership>,
  ): Promise<Opened['added'][number] | { readonly problem: unknown } | undefined> {
    const entry = { item: { ...active.ownership, ...tasks }, jobId: active.job.id }
    let defects = 0
    return this.#persist(active, 'open tasks', async () => {
      try {
        return await this.#opening.add(entry)
      } catch (problem) {
        if (isPassing(problem) || ++defects < TRIES_IN_SPITE) throw problem
        return { problem }
      }
    })
  }

  /** Records that a pending task is begun; false when the run is to rest or to end, or is another's. */
  begin(active: ActiveRun, task: TaskRow): Promise<boolean | undefined> {
    return this.#change(active, 'begin task', { ...active.ownership, taskId: task.id, to: 'running' })
  }

  /** Records that a task rests where it is, or goes on. */
  freeze(active: ActiveRun, task: TaskRow, to: 'suspended' | 'running'): Promise<boolean | undefined> {
    const change: TaskChange = { ...active.ownership, taskId: task.id, to }
    const write = () => this.#changing.add({ item: change, jobId: active.job.id })
    return persist(this.#parts, 'freeze task', write, () => !active.released && active.running.has(task.id))
  }

  /**
   * Records a task's end; what of it cannot be stored is not worth the run: the task is failed for it then. Answers
   * what is on record now; null when the run is another's.
   */
  async end(active: ActiveRun, change: TaskChange): Promise<TaskChange | null | undefined> {
    let taken = change
    const accepted = await this.#persist(active, 'end task', async () => {
      try {
        return await this.#changing.add({ item: taken, jobId: active.job.id })
      } catch (error) {
        if (isPassing(error) || taken !== change) throw error
        this.#parts.events.emit({ type: 'error', where: 'end task', error })
        const reason = { code: 'internal', text: `How it ended could not be stored: ${reasonOf(error).text}` }
        taken = { ...active.ownership, taskId: change.taskId, to: 'failed', reason }
        return await this.#changing.add({ item: taken, jobId: active.job.id })
      }
    })
    if (accepted === undefined) return undefined
    return accepted ? taken : null
  }

  /** Records how a run ended by its kind. */
  close(active: ActiveRun, verdict: FinishedState, reason?: Reason): Promise<void> {
    const item = { ...active.ownership, verdict, ...(reason === undefined ? {} : { reason }) }
    return this.#persist(active, 'close run', async () =>
      this.#absorb(await this.#parts.store.write('closeRuns', { items: [item], at: this.#parts.clock.now() })),
    )
  }

  /** Gives a run back whose work this instance does not go on with. */
  giveBack(active: ActiveRun): Promise<void> {
    const items = [active.ownership]
    return this.#persist(active, 'release run', async () =>
      this.#absorb(await this.#parts.store.write('releaseRuns', { items, at: this.#parts.clock.now() })),
    )
  }

  /** Wants a run to end that cannot be worked on. */
  async refuse(runId: string, reason: Reason): Promise<void> {
    const wish = { runIds: [runId], wanted: 'stop' as const, reason, at: this.#parts.clock.now() }
    await persist(this.#parts, 'refuse run', async () => this.#absorb(await this.#parts.store.write('wantRuns', wish)))
  }

  /** The run as it is on record; null when it is gone. */
  read(active: ActiveRun): Promise<RunRow | null | undefined> {
    return this.#persist(active, 'read run', () => this.#parts.store.read('getRun', { id: active.run.id }))
  }

  /** The tasks of a run that are to be begun first, as {@link TaskQueue.readOn} wants them. */
  readPending(active: ActiveRun): Promise<TaskRow[] | undefined> {
    return this.#persist(active, 'read tasks', () => this.#parts.store.read('readPending', { runId: active.run.id }))
  }

  #change(active: ActiveRun, what: string, item: TaskChange): Promise<boolean | undefined> {
    return this.#persist(active, what, () => this.#changing.add({ item, jobId: active.job.id }))
  }

  #persist<T>(active: ActiveRun, what: string, write: () => Promise<T>): Promise<T | undefined> {
    return persist(this.#parts, what, write, () => !active.released)
  }

  async #openAll(entries: Entry<OpenTasks>[]): Promise<Opened['added']> {
    const { store, clock } = this.#parts
    const items = entries.map(({ item }) => item)
    const opened = await store.write('openTasks', { items, at: clock.now() })
    for (const [index, { item, jobId }] of entries.entries()) {
      const added = opened.added[index]
      if (!Array.isArray(added)) continue
      const fresh = new Set(added)
      for (const { id, start } of item.tasks)
        if (start && fresh.has(id)) this.#announce(item.runId, jobId, id, 'running')
    }
    this.#absorb(opened)
    return opened.added
  }

  async #changeAll(entries: Entry<TaskChange>[]): Promise<boolean[]> {
    const { store, clock } = this.#parts
    const changed = await store.write('changeTasks', { items: entries.map(({ item }) => item), at: clock.now() })
    // A task's end comes before the end of the run that follows from it.
    for (const [index, { item, jobId }] of entries.entries()) {
      if (changed.accepted[index]) this.#announce(item.runId, jobId, item.taskId, item.to)
    }
    this.#absorb(changed)
    return changed.accepted
  }

  #announce(runId: string, jobId: string, taskId: string, state: TaskChange['to']): void {
    this.#parts.events.emit({ type: 'task.changed', taskId, runId, jobId, state })
  }
}
