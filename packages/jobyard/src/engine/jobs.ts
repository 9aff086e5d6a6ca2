import { isDeepStrictEqual } from 'node:util'
import { Value } from 'typebox/value'
import { JobyardError } from '../domain/errors.ts'
import { DEFAULT_POLICY, type JobRow, type Policy, type TriggerSpec, type Warning } from '../domain/model.ts'
import { mergePatch } from '../domain/merge-patch.ts'
import { parseNcrontab } from '../domain/ncrontab.ts'
import { requireZone } from '../domain/zone.ts'
import type { Actor } from '../store/procedures/audit.ts'
import type { JobDraft, SavedJob } from '../store/procedures/jobs.ts'
import type { NewPackage } from '../store/procedures/packages.ts'
import type { Engine } from './engine.ts'
import { describeChanges, type JobChanges } from './job-changes.ts'
import type { JobKind } from './kind.ts'
import type { EngineParts } from './parts.ts'

/** What somebody says of a job. What is left out stays as it is, or takes its default in a new job. */
export interface JobInput {
  readonly collectionId: string
  readonly kind: string
  readonly type?: string
  readonly name: string
  /** Merged into the spec that is there: null takes a member away (RFC 7396). */
  readonly spec?: Readonly<Record<string, unknown>>
  /** Merged into the policy that is there, member by member. */
  readonly policy?: Partial<Policy>
  /** All triggers from now on, manual ones apart. */
  readonly triggers?: readonly TriggerSpec[]
  readonly enabled?: boolean
  /** A package to go with it from now on, which must have been uploaded. */
  readonly packageHash?: string
  /** How the package came, for the list of deployments. Default `upload`. */
  readonly source?: string
  /** What the audit log calls it. Default: create, update or deploy, as it is. */
  readonly action?: string
  /** `folder`: the watched folder of the collection says so. */
  readonly origin?: 'folder'
  /** The folder of jobs in the watched folder that it lies in, as a path. */
  readonly place?: string
  /** True: a continuous job starts again even where nothing about it is new. */
  readonly afresh?: boolean
  /** The version that the job must still have; 'job-changed' is thrown when it has another. Default: any. */
  readonly basedOn?: number
}

/** Whether the job may, must, or must not be there already. */
export type Expectation = 'new' | 'existing' | 'either'

type PackagePolicy = NonNullable<Awaited<ReturnType<NonNullable<JobKind['prepare']>>>['policy']>

/** How often a save is tried when somebody else saved the same job in between. */
const SAVE_TRIES = 12
/** Before the third try is waited about so long, in milliseconds, then twice as long each time up to the longest wait. */
const FIRST_WAIT = 10
const LONGEST_WAIT = 320

/** Creates and changes jobs of all kinds: checks what is said, fills in what is not, and lets the kind complete it. */
export class Jobs {
  readonly #parts: EngineParts
  readonly #engine: Engine
  readonly #defaults: Policy

  /** `defaults` are the rules of jobs that name none, where they differ from the usual ones. */
  constructor(parts: EngineParts, engine: Engine, defaults: Partial<Policy> = {}) {
    this.#defaults = { ...DEFAULT_POLICY, ...defaults }
    this.#parts = parts
    this.#engine = engine
  }

  /** Saves a job; tells whether it is new. */
  async save(input: JobInput, expectation: Expectation, actor: Actor): Promise<SavedJob & { readonly isNew: boolean }> {
    for (let attempt = 1; ; attempt++) {
      const before = await this.#find(input)
      requireExpected(before, expectation, input.name)
      const isFixed = input.basedOn !== undefined
      if (isFixed && before?.version !== input.basedOn) throw new JobyardError('job-changed')
      const draft = await this.#draft(input, before)
      const action = input.action ?? actionOf(input, before)
      const { origin, place, afresh } = input
      const from = { ...(origin === undefined ? {} : { origin }), ...(place === undefined ? {} : { place }) }
      const how = { ...from, ...(afresh === undefined ? {} : { afresh }) }
      const changed = before === null ? {} : { changed: await this.#changes(before, draft) }
      try {
        const at = this.#parts.clock.now()
        const saved = await this.#engine.saveJob({
          draft,
          basedOn: before?.version ?? null,
          action,
          actor,
          at,
          ...how,
          ...changed,
        })
        return { ...saved, isNew: before === null }
      } catch (error) {
        const raced = error instanceof JobyardError && (error.code === 'job-changed' || error.code === 'job-exists')
        if (!raced || isFixed || attempt === SAVE_TRIES || expectation === 'new') throw error
      }
      await this.#pause(attempt)
    }
  }

  /** Lets others get out of the way; not all for the same time, or they meet again. */
  async #pause(attempt: number): Promise<void> {
    if (attempt === 1) return
    const { clock, random } = this.#parts
    const wait = Math.min(FIRST_WAIT * 2 ** (attempt - 2), LONGEST_WAIT) * (0.5 + random())
    await new Promise<void>((resolve) => clock.after(wait, resolve))
  }

  /** Lets a job's triggers work, or not: a continuous one is started or stopped. */
  async setEnabled(job: JobRow, enabled: boolean, actor: Actor): Promise<SavedJob> {
    const { collectionId, kind, type, name } = job
    return await this.save(
      { collectionId, kind, type, name, enabled, action: enabled ? 'job.start' : 'job.stop' },
      'existing',
      actor,
    )
  }

  async #find({ collectionId, kind, type, name }: JobInput): Promise<JobRow | null> {
    const narrowed = type === undefined ? {} : { type }
    const found = await this.#parts.store.read('findJobs', { collectionId, kind, name, ...narrowed })
    if (found.length < 2) return found[0] ?? null
    throw new JobyardError(
      'job-ambiguous',
      `There are a ${found.map((job) => job.type).join(' and a ')} job ${name}.`,
      {
        field: 'type',
      },
    )
  }

  async #draft(input: JobInput, before: JobRow | null): Promise<JobDraft> {
    const kind = this.#kind(input.kind)
    const type = before?.type ?? input.type ?? kind.types[0] ?? kind.name
    requireType(kind, type)
    if (input.spec !== undefined) kind.checkChange?.(input.spec)
    const given = input.triggers?.map(checkTrigger)
    const triggers = given ?? (before === null ? [] : await this.#triggersOf(before.id))
    const added = await this.#package(input)
    const current = added ?? (await this.#currentPackage(before))
    const spec = mergePatch(before?.spec ?? {}, input.spec ?? {})
    // A folder says how its job is written; elsewhere a name in other letters is only another way to ask for the job.
    const name = before === null || input.origin === 'folder' ? input.name : before.name
    const wish = { name, type, spec, triggers, triggersGiven: given !== undefined, package: current }
    const prepared = (await kind.prepare?.({ ...wish, packageGiven: added !== null })) ?? {
      spec,
      triggers,
      warnings: [],
    }
    requireSpec(kind, prepared.spec)
    return {
      id: this.#parts.ids.next(),
      collectionId: input.collectionId,
      kind: kind.name,
      type,
      name,
      judged: kind.verdict !== undefined,
      spec: prepared.spec,
      policy: { ...this.#policyOf(before, prepared.policy), ...input.policy },
      triggers: prepared.triggers,
      unreadable: prepared.unreadable ?? [],
      enabled: input.enabled ?? prepared.enabled ?? before?.enabled ?? true,
      warnings: withoutDoubles([...prepared.warnings, ...prepared.triggers.flatMap(triggerWarnings)]),
      ...(added === null ? {} : { package: added }),
    }
  }

  /** The rules before anybody says more: those of the job, in which what a package said gives way to what it says now. */
  #policyOf(before: JobRow | null, said: PackagePolicy = { now: {}, before: {} }): Policy {
    const usual: Policy = { ...this.#defaults, ...said.now }
    if (before === null) return usual
    const old: Policy = { ...this.#defaults, ...said.before }
    const names = new Set([...Object.keys(said.now), ...Object.keys(said.before)]) as Set<keyof Policy>
    const untouched = [...names].filter((name) => isDeepStrictEqual(before.policy[name], old[name]))
    return { ...before.policy, ...Object.fromEntries(untouched.map((name) => [name, usual[name]])) }
  }

  async #changes(before: JobRow, draft: JobDraft): Promise<JobChanges> {
    const triggers = await this.#triggersOf(before.id)
    const after = { ...draft, packageHash: draft.package?.hash ?? before.packageHash }
    return describeChanges({ ...before, triggers }, after, this.#kind(before.kind).told ?? [])
  }

  #kind(name: string): JobKind {
    const kind = this.#parts.kinds.get(name)
    if (kind !== undefined) return kind
    const known = [...this.#parts.kinds.keys()].join(', ')
    throw new JobyardError('kind-unknown', `There is no kind of job called ${name}.`, {
      field: 'kind',
      hint: `Use one of: ${known}.`,
    })
  }

  async #triggersOf(jobId: string): Promise<TriggerSpec[]> {
    return (await this.#parts.store.read('listTriggers', { jobIds: [jobId] })).map(({ spec }) => spec)
  }

  async #package({ packageHash: hash, source = 'upload' }: JobInput): Promise<NewPackage | null> {
    if (hash === undefined) return null
    return { ...(await this.#parts.store.read('readPackage', { hash })), source }
  }

  async #currentPackage(before: JobRow | null): Promise<Omit<NewPackage, 'source'> | null> {
    if (before === null || before.packageHash === null) return null
    return await this.#parts.store.read('readPackage', { hash: before.packageHash })
  }
}

function actionOf({ packageHash }: JobInput, before: JobRow | null): string {
  if (before === null) return 'job.create'
  return packageHash === undefined ? 'job.update' : 'job.deploy'
}

function requireExpected(before: JobRow | null, expectation: Expectation, name: string): void {
  if (expectation === 'new' && before !== null) {
    throw new JobyardError('job-exists', `There is a job ${before.name} already.`, { field: 'name' })
  }
  if (expectation === 'existing' && before === null) throw new JobyardError('job-unknown', `There is no job ${name}.`)
}

function requireType(kind: JobKind, type: string): void {
  if (kind.types.includes(type)) return
  const hint = `Use one of: ${kind.types.join(', ')}.`
  throw new JobyardError('input-invalid', `A ${kind.name} job cannot be of type ${type}.`, { field: 'type', hint })
}

function requireSpec(kind: JobKind, spec: unknown): void {
  const [fault] = Value.Errors(kind.spec, spec)
  if (fault === undefined) return
  const field = `spec${fault.instancePath.replaceAll('/', '.')}`
  throw new JobyardError('input-invalid', `${field} ${fault.message}.`, { field })
}

/** Checks a trigger and gives it the form that it is stored in. */
function checkTrigger(trigger: TriggerSpec, index: number): TriggerSpec {
  if (trigger.type !== 'schedule') return trigger
  parseNcrontab(trigger.ncrontab, `triggers.${index}.ncrontab`)
  return { ...trigger, timeZone: requireZone(trigger.timeZone, `triggers.${index}.timeZone`) }
}

function triggerWarnings(trigger: TriggerSpec): Warning[] {
  if (trigger.type !== 'schedule') return []
  return parseNcrontab(trigger.ncrontab).warnings.map(({ code, message }) => ({ code, message }))
}

/** A schedule that came along in a package was doubted when the package was read, too. */
function withoutDoubles(warnings: readonly Warning[]): Warning[] {
  return [...new Map(warnings.map((warning) => [`${warning.code} ${warning.message}`, warning])).values()]
}
