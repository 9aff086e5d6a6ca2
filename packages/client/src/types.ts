/**
 * What Jobyard's interface /v1 takes and gives. Written to be read; the OpenAPI document at `/v1/openapi.json` says the
 * same for programs.
 */

/** A moment, ISO 8601 in UTC with milliseconds: `2026-11-21T02:00:00.000Z`. */
export type Instant = string

/** A duration such as `500ms`, `30s`, `5m`, `2h`, `7d` or `1h30m`; ISO 8601 such as `PT5M` is taken, too. */
export type Duration = string

/** A size in bytes such as `64KB`, `512MB` or `2GB`, in multiples of 1,024. */
export type Size = string

/** A state of a run or of a task. The last three are final. */
export type State =
  | 'pending'
  | 'running'
  | 'blocked'
  | 'suspending'
  | 'suspended'
  | 'stopping'
  | 'disconnected'
  | 'completed'
  | 'failed'
  | 'stopped'

/** What a job as a whole is doing. */
export type JobState = 'running' | 'waiting' | 'stopped' | 'crash-loop' | 'idle' | 'restarting'

/** Why a run began. */
export type Why = 'manual' | 'continuous' | 'schedule' | 'webhook' | 'after' | 'rerun' | 'failure'

/** What a token may do; each may do what the later ones may. */
export type Role = 'admin' | 'deployer' | 'operator' | 'viewer'

/** A stream of a task's output. */
export type OutputStream = 'output' | 'error' | 'warning' | 'verbose' | 'debug' | 'information' | 'progress' | 'system'

/** Something that works, but perhaps not as its owner thinks. */
export interface Warning {
  readonly code: string
  readonly message: string
}

/** Why something failed or was stopped: a code for programs, a sentence for people. */
export interface Reason {
  readonly code: string
  readonly text: string
}

/** A name and a value that the jobs of a collection get as environment. */
export interface AppSetting {
  readonly name: string
  /** Null for a secret one, and for whoever may not deploy. */
  readonly value: string | null
  readonly secret: boolean
  /** The only slot that it is for; null: all. */
  readonly slot: string | null
  readonly updatedAt: Instant
  readonly updatedBy: string
  /** Why the server cannot go by a setting that steers it, as a sentence; null: nothing is wrong. */
  readonly warning: string | null
}

/** A value, or what is to be said of a setting; what is left out stays as it is. */
export type AppSettingInput =
  | string
  | {
      readonly value?: string
      /** One that is secret stays so until false is said. */
      readonly secret?: boolean
      /** The only slot that it is for; true: the server's; null or false: all. */
      readonly slot?: string | boolean | null
    }

/** A page of a list. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; null on the last one. */
  readonly next: string | null
}

/** Who the token belongs to. */
export interface Me {
  readonly name: string
  readonly role: Role
  /** The only collection that the token is good for; null: all. */
  readonly collection: string | null
  /** Version of the server. */
  readonly version: string
}

/** A browser that was signed in with a token, which a cookie stands for from then on. */
export interface Session {
  readonly name: string
  readonly role: Role
  /** The only collection that the token is good for; null: all. */
  readonly collection: string | null
  /** Version of the server. */
  readonly version: string
  readonly expiresAt: Instant
}

/** What the server is and how busy it is. */
export interface Status {
  readonly instance: string
  /** The deployment slot that the server belongs to. */
  readonly slot: string
  readonly version: string
  /** How long the server has been running. */
  readonly uptime: Duration
  /** Runs that are worked on now. */
  readonly load: number
  /** Runs that may be worked on at a time. */
  readonly concurrency: number
  /** How limits of memory and processes are kept there. */
  readonly limits: { readonly memory: string; readonly processes: string; readonly notes: readonly string[] }
  /** Only shown to admins. */
  readonly dataFolder?: string
  readonly database: 'sqlite' | 'postgres'
}

/** A group of jobs. */
export interface Collection {
  readonly id: string
  readonly name: string
  readonly createdAt: Instant
}

/** What starts a job, besides somebody asking. */
export type Trigger =
  | { readonly type: 'continuous'; readonly singleton: boolean }
  | {
      readonly type: 'schedule'
      /** Six fields: `{second} {minute} {hour} {day} {month} {day of week}`. */
      readonly ncrontab: string
      /** IANA name, such as `Europe/Berlin`. */
      readonly timeZone: string
      /** `default`: nobody named a zone, so it is that of the collection, and changes with it. Only in answers. */
      readonly zone?: 'default'
      /** When it next falls due; null when never again. Only in answers. */
      readonly nextDue?: Instant | null
      /** `package`: it came with the package and goes with it. Only in answers. */
      readonly origin?: 'package'
    }
  | { readonly type: 'webhook' }
  | { readonly type: 'after'; readonly jobId: string; readonly on: readonly ('completed' | 'failed' | 'stopped')[] }

/** A trigger as it is sent: a schedule without a zone goes by that of its collection, a continuous one without `singleton` takes the package's. */
export type TriggerInput =
  | { readonly type: 'continuous'; readonly singleton?: boolean }
  | { readonly type: 'schedule'; readonly ncrontab: string; readonly timeZone?: string }
  | { readonly type: 'webhook' }
  | { readonly type: 'after'; readonly jobId: string; readonly on?: readonly ('completed' | 'failed' | 'stopped')[] }

/** When a failed attempt is followed by another. `attempts` counts the first one, too. */
export type Retry =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly attempts: number; readonly delay: Duration }
  | {
      readonly kind: 'exponential'
      readonly attempts: number
      readonly delay: Duration
      readonly factor?: number
      readonly maxDelay?: Duration
      /** Share of the delay that is drawn by lot, 0 to 1. */
      readonly jitter?: number
    }

/** The rules of a job. */
export interface Policy {
  /** What happens to a trigger that comes while a run is not finished. Default `forbid`. */
  readonly overlap: 'forbid' | 'queue' | 'skip' | 'replace' | 'allow'
  /** How many runs may wait when `overlap` is `queue`. */
  readonly queueDepth: number
  readonly retry: Retry
  /** How long one attempt may take; null: for ever. */
  readonly timeout: Duration | null
  /** What becomes of occurrences that fell due while nobody was there to run them. */
  readonly misfire: { readonly kind: 'skip' | 'once' | 'all'; readonly window: Duration }
  /** What becomes of a task whose instance died. */
  readonly onCrash: 'fail' | 'retry'
  readonly maxCrashes: number
  /** Finished runs that are kept. */
  readonly keepRuns: number
  /** How long a finished run is kept; null: for ever. */
  readonly keepAge: Duration | null
  /** Jobs (by id) of which a run is started when a run fails. */
  readonly onFailure: readonly string[]
  /** When a continuous job's process is started again after its end. */
  readonly restart: { readonly delay: Duration; readonly backoff?: { readonly factor: number; readonly max: Duration } }
  /** Tasks of one run that are worked on at once. */
  readonly parallel: number
  /** How long a task may take to end when asked to stop; null: as its kind has it. */
  readonly grace: Duration | null
  /** Output kept per task. */
  readonly output: Size
}

/** What a script job says. */
export interface ScriptSpec {
  /** Environment variables of the script. */
  readonly env?: Readonly<Record<string, string>>
  /** Environment variables that are kept encrypted. Sent as text; in answers only `{ set: true }`. */
  readonly secrets?: Readonly<Record<string, string | { readonly set: boolean }>>
  /** Arguments when a run brings none. */
  readonly args?: readonly string[]
  /** True: what runs change in the working folder stays. */
  readonly inPlace?: boolean
  /** Memory that a run and all its processes may use; `none` for no limit. */
  readonly memory?: Size | 'none'
  /** Processes that a run may have at once; 0 for no limit. */
  readonly processes?: number
  /** A run that neither prints nor uses CPU for so long is ended. */
  readonly idleTimeout?: Duration
  /** When a stopping script gets SIGTERM. */
  readonly stopSignal?: 'after-grace' | 'at-once'
}

/** A rule that counts, and whose word it is; `default`: nobody's. */
export interface EffectiveRule<T> {
  readonly value: T
  readonly from: 'job' | 'settings.job' | 'app-settings' | 'server' | 'default'
}

/** What counts for a job in the end, where the job, its package, the app settings and the server may all say something. */
export interface EffectiveRules {
  /** Finished runs that are kept. */
  readonly keepRuns: EffectiveRule<number>
  /** First wait after a short run; of continuous jobs only. */
  readonly restart?: EffectiveRule<Duration>
  /** How long a run may take to end when asked to. */
  readonly grace?: EffectiveRule<Duration>
  /** A run that neither prints nor uses CPU for so long is ended; null: never. */
  readonly idleTimeout?: EffectiveRule<Duration | null>
  /** Memory of a run; null: no limit. */
  readonly memory?: EffectiveRule<Size | null>
  /** Processes of a run at once; null: no limit. */
  readonly processes?: EffectiveRule<number | null>
  /** When a stopping script gets SIGTERM. */
  readonly stopSignal?: EffectiveRule<'after-grace' | 'at-once'>
}

/** Where a continuous job runs, or when it runs again. */
export interface JobPlace {
  /** The instance's name, or `*` for a singleton. */
  readonly place: string
  readonly runId: string | null
  /** When the process that runs there, or ran there last, was started. */
  readonly startedAt: Instant | null
  readonly restartAt: Instant | null
  /** Runs in a row that ended within two minutes of their start. */
  readonly quickEnds: number
  readonly starts: number
  readonly crashLoop: boolean
}

/** A job. */
export interface Job {
  readonly id: string
  /** Short number that people use. */
  readonly number: number
  /** Name of its collection. */
  readonly collection: string
  readonly kind: string
  readonly type: string
  readonly name: string
  /** What to do, as the kind understands it ({@link ScriptSpec} for scripts), without secret values. */
  readonly spec: Readonly<Record<string, unknown>>
  readonly policy: Policy
  readonly effective: EffectiveRules
  readonly triggers: readonly Trigger[]
  readonly enabled: boolean
  /** Hash of its current package. */
  readonly package: string | null
  /** Grows with every change. */
  readonly version: number
  readonly warnings: readonly Warning[]
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly latestRun: Run | null
  readonly nextDue: Instant | null
  /** Of continuous jobs only. */
  readonly places?: readonly JobPlace[]
  readonly state: JobState
}

/** A job as it is created, or changed by name. What is left out stays, or takes its default in a new job. */
export interface JobInput extends JobChange {
  /** Name or id; default `default`. */
  readonly collection?: string
  /** Default `script`. */
  readonly kind?: string
  /** Default: the kind's first; `triggered` for scripts. */
  readonly type?: string
  readonly name: string
}

/** What can be changed of a job. Objects are merged member by member, null takes a member away (RFC 7396). */
export interface JobChange {
  readonly spec?: Readonly<Record<string, unknown>>
  readonly policy?: Readonly<Record<string, unknown>>
  /** All triggers from now on. */
  readonly triggers?: readonly TriggerInput[]
  readonly enabled?: boolean
  /** Hash of an uploaded package. */
  readonly package?: string
}

/** Narrows a job's name, which is unique per collection, kind and type. */
export interface JobScope {
  /** Name or id; default `default`. */
  readonly collection?: string
  readonly kind?: string
  readonly type?: string
}

/** Which jobs to list. */
export interface JobFilter extends JobScope {
  readonly enabled?: boolean
  /** Part of the name, whatever its case. */
  readonly search?: string
}

/** How many of a run's tasks are in which state. */
export interface Counts {
  readonly pending: number
  readonly running: number
  readonly blocked: number
  readonly disconnected: number
  readonly suspended: number
  readonly completed: number
  readonly failed: number
  readonly stopped: number
}

/** One execution of a job. */
export interface Run {
  readonly id: string
  readonly job: {
    readonly id: string
    readonly number: number
    readonly name: string
    readonly kind: string
    readonly type: string
  }
  /** Counts the job's runs from 1. */
  readonly number: number
  readonly why: Why
  /** Particulars of the trigger: who, which schedule, after which run. */
  readonly detail: Readonly<Record<string, unknown>>
  readonly args: readonly string[]
  readonly state: State
  readonly wanted: 'run' | 'suspend' | 'stop'
  readonly counts: Counts
  /** Hash of the package that it runs. */
  readonly package: string | null
  readonly scheduledFor: Instant | null
  readonly createdAt: Instant
  readonly startedAt: Instant | null
  readonly finishedAt: Instant | null
  readonly reason: Reason | null
  readonly exitCode: number | null
  /** CPU time of all its processes, in milliseconds. */
  readonly cpuMs: number | null
  /** Peak memory of all its processes together, in bytes. */
  readonly peakBytes: number | null
  /** True while it waits for an earlier run of its job. */
  readonly queued: boolean
}

/** What a run is started with. */
export interface RunInput {
  /** Arguments of the script: one text that is cut as shells do, or a list. */
  readonly args?: string | readonly string[]
  /** A body that reaches the script as the file named in JOBYARD_PAYLOAD_FILE. */
  readonly payload?: { readonly contentType?: string } & ({ readonly text: string } | { readonly base64: string })
}

/** Which runs to list, the newest first. */
export interface RunFilter {
  /** Id, name or number of a job. */
  readonly job?: string
  readonly collection?: string
  readonly kind?: string
  readonly type?: string
  readonly state?: readonly State[]
  readonly why?: Why
  /** Created at or after. */
  readonly from?: Instant
  /** Created before. */
  readonly to?: Instant
}

/** One attempt of a run at one target. */
export interface Task {
  readonly id: string
  readonly runId: string
  readonly target: string
  readonly attempt: number
  readonly state: State
  readonly detail: unknown
  readonly notBefore: Instant | null
  readonly parkedUntil: Instant | null
  readonly reason: Reason | null
  readonly result: unknown
  readonly exitCode: number | null
  readonly cpuMs: number | null
  readonly peakBytes: number | null
  readonly createdAt: Instant
  readonly startedAt: Instant | null
  readonly finishedAt: Instant | null
}

/** A piece of output: what arrived at one moment on one stream. Text when it is valid UTF-8, else base64. */
export interface OutputEntry {
  /** Place in the task's log, from 1. */
  readonly seq: number
  readonly time: Instant
  readonly stream: OutputStream
  readonly text?: string
  readonly base64?: string
}

/** A page of a task's output. */
export interface OutputPage {
  readonly items: readonly OutputEntry[]
  /** Seq of the oldest entry still kept. */
  readonly firstSeq: number
  /** Seq of the newest entry. */
  readonly lastSeq: number
  /** Bytes that arrived in all, dropped ones included. */
  readonly bytes: number
  /** Bytes dropped by the cap. */
  readonly dropped: number
  /** True when nothing more will come. */
  readonly ended: boolean
  /** Give it back as `after` for the next page; null when this one reaches the end. */
  readonly next: number | null
}

/** What a live output says at its end. */
export interface OutputEnd {
  readonly state?: State
  readonly [member: string]: unknown
}

/** A package: an uploaded zip or script, named by what it holds. */
export interface PackageInfo {
  readonly hash: string
  readonly files: number
  readonly bytes: number
  /** The script in it that is run, and what runs it. */
  readonly script: PackageScript | null
  /** What settings.job says, as it was written. */
  readonly settings: Readonly<Record<string, unknown>>
  /** True when a file `disable.job` lies beside the script: a continuous job of it does not start. */
  readonly disabled: boolean
  readonly warnings: readonly PackageWarning[]
}

/** The script of a package. */
export interface PackageScript {
  /** Relative to the top of the package. */
  readonly file: string
  /** The folder that it lies in; empty for the top. */
  readonly directory: string
  /** Sort of the script, such as `bash` or `python`. */
  readonly host: string
  /** What runs it, such as `python3`. */
  readonly interpreter: string
}

/** A warning about a package, perhaps with the place in settings.job that it is about. */
export interface PackageWarning extends Warning {
  readonly field?: string
  readonly position?: number
}

/** A file of a package. */
export interface PackageFile {
  readonly path: string
  readonly bytes: number
  readonly executable: boolean
}

/** A file or folder that a job keeps. */
export interface DataItem {
  readonly name: string
  readonly type: 'file' | 'folder'
  /** 0 for a folder. */
  readonly bytes: number
  readonly modifiedAt: string
  /** The ETag of a file, without quotes; null for a folder. */
  readonly tag: string | null
}

/** What lies in a folder of a job's data. */
export interface DataFolder {
  readonly items: readonly DataItem[]
}

/** A package that a job keeps, as it was deployed last. */
export interface Deployment {
  /** Number of that deployment. */
  readonly number: number
  readonly hash: string
  /** How it came: `upload`, `kudu`, `folder` or another word for people. */
  readonly source: string
  readonly deployedBy: string
  readonly deployedAt: Instant
  readonly files: number
  readonly bytes: number
  /** Whether it is what the job runs now. */
  readonly current: boolean
}

/** What became of an occurrence of a schedule. */
export interface PastOccurrence {
  readonly due: Instant
  readonly outcome: 'ran' | 'skipped' | 'missed'
  readonly reason: string | null
  readonly runId: string | null
  /** Missed occurrences before this one that are too many to be listed. */
  readonly more: number
}

/** An occurrence to come. */
export interface Occurrence {
  readonly utc: Instant
  /** Local time in the schedule's zone. */
  readonly local: string
  /** Distance from UTC then, such as `+01:00`. */
  readonly offset: string
}

/** What to preview. */
export interface PreviewInput {
  readonly ncrontab: string
  /** Only occurrences after it; default now. */
  readonly from?: Instant
  /** Only occurrences before it. */
  readonly until?: Instant
  /** Default 10, at most 1,000. */
  readonly count?: number
  /** IANA name, or that of Windows; default: that of the collection. */
  readonly timeZone?: string
  /** The collection whose zone counts where none is named; default none, and so UTC. */
  readonly collection?: string
}

/** When a schedule falls due. */
export interface Preview {
  readonly occurrences: readonly Occurrence[]
  readonly warnings: readonly Warning[]
  /** The schedule as it was understood. */
  readonly normalised: string
  /** IANA name of the zone that counted. */
  readonly timeZone: string
}

/** The address at which a job can be started by others. */
export interface Webhook {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** The folder that the jobs of a collection come from. */
export interface WatchedFolder {
  readonly path: string
  /** The instance that looks into it. */
  readonly instance: string
  readonly seenAt: string
  /** What in it is not deployed, and why. */
  readonly problems: readonly { readonly path: string; readonly message: string }[]
}

/** What a hook is called for. */
export type HookEvent = 'run-finished' | 'deployed'

/** An address that is called when something happens in a collection. */
export interface Hook {
  readonly id: string
  readonly collection: string
  readonly event: HookEvent
  /** Without user and password. */
  readonly url: string
  /** True: a user and a password go with the calls. */
  readonly credentials: boolean
  readonly insecure: boolean
  readonly createdBy: string
  readonly createdAt: string
  /** The last call; null before the first one. Its status is null when no answer came. */
  readonly last: {
    readonly at: string
    readonly status: number | null
    readonly reason: string
    readonly body: string
  } | null
}

/** A hook to be made. */
export interface HookInput {
  readonly collection?: string
  readonly event: HookEvent
  /** In full; user and password in it are kept encrypted and never shown. */
  readonly url: string
  readonly insecure?: boolean
}

/** A token; of its secret nothing. */
export interface Token {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly collection: string | null
  readonly createdBy: string
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
  readonly revokedAt: Instant | null
  readonly lastUsedAt: Instant | null
}

/** A token to be made. */
export interface TokenInput {
  readonly name: string
  readonly role: Role
  /** The only collection it is to be good for. */
  readonly collection?: string
  /** Default: it does not expire. */
  readonly expiresIn?: Duration
}

/** A new token. `token` is shown this once. */
export interface NewToken extends Token {
  readonly token: string
}

/** A change on record. */
export interface AuditEntry {
  readonly id: string
  readonly time: Instant
  readonly actor: string
  readonly role: string
  readonly address: string | null
  readonly action: string
  readonly targetType: string
  readonly targetId: string | null
  readonly targetName: string | null
  /** Name of the collection, or its id when it is gone. */
  readonly collection: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

/** Something that happened on the server, such as `run.changed`. */
export interface LiveEvent {
  /** Its number in the order of the server; give it back as `after` to go on behind it. */
  readonly id: string
  /** Such as `run.created`, `run.changed`, `task.changed`, `job.saved`; `gap` of an {@link EventGap}. */
  readonly type: string
  readonly time?: Instant
  readonly [member: string]: unknown
}

/**
 * Stands in a live stream where events are missing: what lies before it is not kept any longer, or came faster than it was
 * read. `isGap` tells it from the others. Whoever shows what is so now should ask anew.
 */
export interface EventGap extends LiveEvent {
  readonly type: 'gap'
  /** Why, in a sentence. */
  readonly reason: string
}

/** A page of events that have happened, the newest first. */
export interface EventPage extends Page<LiveEvent> {
  /** True: some behind `after` are not kept any longer. */
  readonly gap: boolean
  /** When the oldest event that the server keeps happened; null when it keeps none. */
  readonly keptSince: Instant | null
}
