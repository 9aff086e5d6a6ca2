import type { EngineParts } from './parts.ts'
import { isPassing } from './persist.ts'

/** Jobs looked at in one step of the full pass. */
const JOBS_AT_ONCE = 200
/** Logs deleted in one step. */
const LOGS_AT_ONCE = 200

/** Deletes history by the jobs' rules: soon after runs ended, and now and then for all jobs, whatever happened before. */
export class Retention {
  readonly #parts: EngineParts
  #due = new Set<string>()

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  /** Remembers that a job has a finished run more. */
  note(jobId: string): void {
    this.#due.add(jobId)
  }

  /** Prunes the jobs that had runs finish since the last turn, and deletes the logs of what is gone. */
  async pruneDue(stopped: () => boolean): Promise<void> {
    for (const jobId of [...this.#due]) {
      if (stopped()) return
      this.#due.delete(jobId)
      await this.#prune(jobId, stopped)
    }
    await this.#emptyTrash(stopped)
  }

  /** Prunes all jobs, old records, and logs that an earlier crash left. */
  async pruneAll(stopped: () => boolean): Promise<void> {
    const { store, clock } = this.#parts
    let after = ''
    while (!stopped()) {
      const ids = await store.read('listJobIds', { after, limit: JOBS_AT_ONCE })
      for (const id of ids) await this.#prune(id, stopped)
      const last = ids.at(-1)
      if (last === undefined) break
      after = last
    }
    while ((await store.write('pruneRecords', { at: clock.now() })).more && !stopped());
    await this.#emptyTrash(stopped)
  }

  /** What is wrong with one job is told and holds up no other; what passes by itself, such as a full disk, is thrown. */
  async #prune(jobId: string, stopped: () => boolean): Promise<void> {
    const { store, clock, events } = this.#parts
    try {
      while (!stopped() && (await store.write('pruneJob', { jobId, at: clock.now() })).more);
    } catch (error) {
      if (isPassing(error)) {
        this.#due.add(jobId)
        throw error
      }
      events.emit({ type: 'error', where: 'retention', error })
    }
  }

  /** The database forgets a log's task first and the log after it: a crash in between is made good here later. */
  async #emptyTrash(stopped: () => boolean): Promise<void> {
    const { store, output } = this.#parts
    while (!stopped()) {
      const taskIds = await store.read('listTrash', { limit: LOGS_AT_ONCE })
      if (taskIds.length === 0) return
      await output.remove(taskIds)
      await store.write('emptyTrash', { taskIds })
    }
  }
}
