import type { TSchema } from 'typebox'
import type { Steering } from '../domain/app-settings.ts'
import type { Clock } from '../domain/clock.ts'
import type { JobRow, Policy, RunRow, TaskRow, TriggerSpec, Warning } from '../domain/model.ts'
import type { Counts } from '../domain/run-state.ts'
import type { LogFacts, Stream } from '../store/output/contract.ts'
import type { UnreadableSchedule } from '../store/procedures/replace-triggers.ts'
import type { CollectionSettings } from './collection-settings.ts'

/** One target to work on. */
export interface TaskPlan {
  /** Whom the task is for: an instance, a device, an endpoint. Unique within the run: a target planned twice is one task. */
  readonly target: string
  /** Whatever the kind wants to find again in the task; plain JSON. */
  readonly detail?: unknown
  /** Where the plan stands after this target; given back to {@link JobKind.plan} when a crash cut the plan short. */
  readonly cursor?: string
}

/** How a task ended. */
export type Outcome =
  | { readonly state: 'completed'; readonly result?: unknown; readonly usage?: Usage }
  | {
      readonly state: 'failed' | 'stopped'
      readonly reason: Reason
      readonly result?: unknown
      readonly usage?: Usage
      /** False: another attempt would be useless, whatever the policy says. */
      readonly retry?: boolean
    }

/** Why something failed or was stopped: a code for programs, a sentence for people. */
export interface Reason {
  readonly code: string
  readonly text: string
}

/** What a task used; null where the system does not tell. */
export interface Usage {
  readonly cpuMs: number | null
  readonly peakBytes: number | null
  /** Exit code of the task's process, if it had one. */
  readonly exitCode?: number | null
}

/** The task goes on without this process: until somebody calls `engine.resolve`, or the deadline makes it fail. */
export interface Parked {
  readonly state: 'blocked' | 'disconnected'
  /** Epoch milliseconds. */
  readonly until: number
}

/** What a kind gets to begin a task with. */
export interface TaskContext {
  readonly job: JobRow
  readonly run: RunRow
  /** The app settings of the job's collection, as they were when the task began; its log masks their secrets. */
  readonly settings: CollectionSettings
  readonly clock: Clock
  /** Aborts when the task is to end: stop, timeout, lost lease, shutdown. Its `reason` is a {@link StopRequest}. */
  readonly signal: AbortSignal
  /** Aborts when the task must end at once, whatever grace it had: the lease is lost, or the drain time is over. */
  readonly urgent: AbortSignal
  /** Keeps facts with the task's log, for whoever shows it. What comes after the first output is not kept. */
  describe(facts: LogFacts): void
  /** Adds to the task's log. */
  output(stream: Stream, data: string | Uint8Array): void
  /** Number under which a process host may send the output of this task's process. Once asked for, an end frame must come. */
  openChannel(): Promise<number>
  /** Takes {@link openChannel} back: nothing was started that could send an end frame. */
  channelUnused(): void
  /** The fence of this ownership: whoever writes for this task elsewhere passes it along. */
  readonly fence: number
  /** Announces that the task can be frozen and thawed where it is. Without it, a suspended run waits for the task's end. */
  freezable(freeze: () => Promise<void>, thaw: () => Promise<void>): void
}

/** Why a task must end, carried as the reason of {@link TaskContext.signal}. */
export interface StopRequest {
  readonly reason: Reason
  /** Milliseconds that the task may take to end by itself; 0 means now. */
  readonly graceMs: number
}

/** A job as somebody wants it, before its kind has had its say. */
export interface Draft<Spec> {
  readonly name: string
  readonly type: string
  readonly spec: Spec
  readonly triggers: readonly TriggerSpec[]
  /** False: nobody named triggers, so those are what the job had, or none. */
  readonly triggersGiven: boolean
  readonly package: { readonly hash: string; readonly detail: unknown } | null
  /** True when the package is deployed with this change, be it the one that was there. */
  readonly packageGiven?: boolean
}

/** A kind of job: how to plan a run and how to work on one target. The engine knows kinds only by this. */
export interface JobKind<Spec = unknown> {
  readonly name: string
  /** What a job of this kind says, checked wherever it comes from. */
  readonly spec: TSchema
  /** What callers may send of it: members to set, and null for those to take away. Default: any object. */
  readonly change?: TSchema
  /**
   * Checks what somebody says of a spec now, beyond its form, before it is merged into what is there; that is not checked
   * again. Throws what the caller must mend. Default: nothing.
   */
  checkChange?(said: Readonly<Record<string, unknown>>): void
  /** The types a job of this kind can have; the first is the default. */
  readonly types: readonly string[]
  /**
   * Completes and checks a job before it is saved: seals secret values, takes over what a package says, warns. Throws
   * what the caller must mend. Not needed by kinds whose spec says it all.
   */
  prepare?(draft: Draft<Spec>): Promise<{
    readonly spec: Spec
    readonly triggers: readonly TriggerSpec[]
    readonly warnings: readonly Warning[]
    /** Schedules that the job is to have and that nobody can read, for the record. Default: none. */
    readonly unreadable?: readonly UnreadableSchedule[]
    /** What the package says of the rules, and what the one before it said: nobody else's word is to be lost by that. */
    readonly policy?: { readonly now: Partial<Policy>; readonly before: Partial<Policy> }
    /** Whether the job is to be started or stopped by this, when whoever deploys it does not say. */
    readonly enabled?: boolean
  }>
  /** The spec as it may be shown: without secret values. */
  show?(spec: Spec): unknown
  /** Whom to work on. `after` is the cursor of the last planned target when a crash cut the plan short. */
  plan(run: RunRow, spec: Spec, after?: string): AsyncIterable<TaskPlan> | Iterable<TaskPlan>
  /** Works on one target until it is done or parked. A thrown error fails the task with reason `error`. */
  begin(task: TaskRow, spec: Spec, context: TaskContext): Promise<Outcome | Parked>
  /** The run's end when all its tasks are finished; by default failed over stopped over completed. */
  verdict?(counts: Counts): 'completed' | 'failed' | 'stopped'
  /** Members of the spec whose values the audit log may tell; of all others it only tells that they were changed. */
  readonly told?: readonly string[]
  /** Values in the spec that must never be stored in output. */
  secrets?(spec: Spec, job: JobRow): readonly string[]
  /** Milliseconds that a task may take to end by itself when the job's policy names none. Default 0. */
  graceMs?(job: JobRow): number
  /** The rules that came with the job's package, and not from whoever manages it. Default: none. */
  packaged?(spec: Spec): Partial<Policy>
  /** The limits that count for its tasks in the end, for people to see. Default: nothing is told of them. */
  limits?(job: JobRow, steering: Steering): KindLimits
}

/** A rule that counts, and whose word it is. */
export interface Counted<T> {
  readonly value: T
  readonly from: RuleOrigin
}

/** Who can say what counts: the job itself, settings.job of its package, the app settings, the server; or nobody did. */
export const RULE_ORIGINS = ['job', 'settings.job', 'app-settings', 'server', 'default'] as const

/** One of {@link RULE_ORIGINS}. */
export type RuleOrigin = (typeof RULE_ORIGINS)[number]

/** The limits of a job's tasks; null: none. */
export interface KindLimits {
  /** Milliseconds that a task may take to end when asked to. */
  readonly graceMs: Counted<number>
  /** Milliseconds without output and CPU time after which a task is ended. */
  readonly idleMs: Counted<number | null>
  readonly memoryBytes: Counted<number | null>
  readonly processes: Counted<number | null>
  readonly stopSignal: Counted<'after-grace' | 'at-once'>
}
