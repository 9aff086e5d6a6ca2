import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checkAcknowledged } from './checks/acknowledged.ts'
import { checkBooks } from './checks/books.ts'
import { checkExecutions } from './checks/executions.ts'
import { FLEETING } from './jobs.ts'
import { isFinished, Ledger } from './ledger.ts'
import { Marks } from './marks.ts'
import { countOpenFiles, readResident } from './processes.ts'
import type { Snapshot } from './records.ts'
import type { ServerProcess } from './server.ts'
import type { Stage } from './stage.ts'
import type { Violations } from './violations.ts'
import { pause } from './waiting.ts'

/** The whole history is gone through after so many looks, and at the end. */
const HISTORY_EVERY = 15
const SAMPLE_MS = 500

/** The most that was seen of a server that answers. */
export interface Peaks {
  files: number
  residentBytes: number
  /** By what they were, when there were most. */
  sorts: Readonly<Record<string, number>>
}

/** Looks at the campaign from outside, again and again, and keeps what it has seen. */
export class Watch {
  readonly ledger = new Ledger(new Set([FLEETING]))
  readonly marks: Marks
  readonly peaks: Peaks = { files: 0, residentBytes: 0, sorts: {} }
  /** Rows whose state and counts were gone through, over all looks. */
  rowsChecked = 0
  readonly #stage: Stage
  readonly #violations: Violations
  readonly #stop = new AbortController()
  #loops: Promise<void>[] = []
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stage: Stage, violations: Violations) {
    this.#stage = stage
    this.#violations = violations
    this.marks = new Marks(stage.marks)
  }

  /** Begins to take samples and, with `everyMs`, to look at the database beside the servers. */
  start(everyMs?: number): void {
    this.#loops = [this.#sampleLoop(), ...(everyMs === undefined ? [] : [this.#lookLoop(everyMs)])]
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
  }

  /** Looks at the database and the marks. `live`: servers may be at work. Undefined while the database is away. */
  look(live: boolean): Promise<Snapshot | undefined> {
    const looking = this.#turn.then(() => this.#look(live))
    this.#turn = looking
    return looking
  }

  async #look(live: boolean): Promise<Snapshot | undefined> {
    const before = Date.now()
    let snapshot: Snapshot
    try {
      snapshot = await this.#stage.inspector.read(live)
    } catch (error) {
      if (this.#stage.cluster === undefined) throw error
      return undefined
    }
    this.marks.readNew()
    this.ledger.absorb(snapshot, this.#violations)
    this.rowsChecked += checkBooks(snapshot, this.#violations)
    this.#removeLocks()
    if (this.ledger.looks % HISTORY_EVERY === 0) this.checkHistory(before, false)
    return snapshot
  }

  /** Goes through all that was ever seen. */
  checkHistory(before: number, quiet: boolean) {
    const exempt = new Set([FLEETING])
    const acknowledged = checkAcknowledged(this.ledger, this.#violations, { quiet, exempt, before })
    return { ...acknowledged, ...checkExecutions(this.marks, this.ledger, this.#violations, { before }) }
  }

  /** Notes what a server that has just died was running by what is on record. */
  async noteDoomed(server: ServerProcess, killedAt: number): Promise<void> {
    const snapshot = await this.look(this.#stage.cluster !== undefined)
    if (snapshot === undefined) return
    const lives = snapshot.instances.filter(({ pid, startedAt }) => pid === server.pid && startedAt >= server.startedAt)
    const ids = new Set(lives.map(({ id }) => id))
    for (const task of snapshot.tasks) {
      if (task.finishedAt !== null || task.owner === null || !ids.has(task.owner)) continue
      this.ledger.doomed.push({ taskId: task.id, instance: server.place.name, killedAt })
    }
  }

  async #lookLoop(everyMs: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await pause(everyMs, this.#stop.signal)
      await this.look(true)
    }
  }

  async #sampleLoop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const { server } of this.#stage.instances) if (server?.address !== undefined) this.#sample(server.pid)
      await pause(SAMPLE_MS, this.#stop.signal)
    }
  }

  #sample(pid: number): void {
    const open = countOpenFiles(pid)
    if (open !== undefined && open.count > this.peaks.files) {
      this.peaks.files = open.count
      this.peaks.sorts = open.sorts
    }
    this.peaks.residentBytes = Math.max(this.peaks.residentBytes, readResident(pid) ?? 0)
  }

  /** Locks of runs that have ended serve nobody any more. */
  #removeLocks(): void {
    const { locks } = this.#stage
    if (!existsSync(locks)) return
    for (const name of readdirSync(locks)) {
      if (!name.startsWith('run-')) continue
      const run = this.ledger.runs.get(name.slice('run-'.length))
      if (run !== undefined && isFinished(run.state)) rmSync(join(locks, name), { force: true })
    }
  }
}
