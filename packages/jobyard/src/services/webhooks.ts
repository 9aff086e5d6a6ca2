import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { JobyardError } from '../domain/errors.ts'
import type { JobRow, TriggerSpec } from '../domain/model.ts'
import type { Actor } from '../store/procedures/audit.ts'
import { Serial } from './serial.ts'
import type { ApiServices } from './services.ts'

/** Random bytes of a password that nobody chose. */
const PASSWORD_BYTES = 32

/** The user name that is shown; any is taken. */
const USER = 'jobyard'

/** A webhook with its password. */
export interface ShownWebhook {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** The webhooks of jobs: triggers with a password, which lies encrypted in the trigger's row. */
export class Webhooks {
  readonly #services: ApiServices
  /** Triggers are saved as a whole list, so whoever changes one must not cross another one who does. */
  readonly #turns = new Serial()

  constructor(services: ApiServices) {
    this.#services = services
  }

  /** Changes the triggers of a job while nobody else in this process does. */
  takeTurn<T>(job: Pick<JobRow, 'collectionId' | 'kind' | 'name'>, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(`${job.collectionId}/${job.kind}/${job.name.toLowerCase()}`, work)
  }

  /** A job's address and password, put on record as seen. Throws 'webhook-unknown'. */
  async show(job: JobRow, actor: Actor): Promise<ShownWebhook> {
    const password = await this.#passwordOf(job.id)
    if (password === null) throw unknownWebhook(job)
    await this.#note(job, 'webhook.show', actor)
    return this.#view(job, password)
  }

  /** Gives a job a webhook, or its webhook another password: the one given, or a random one. */
  async set(job: JobRow, password: string | undefined, actor: Actor): Promise<ShownWebhook> {
    const chosen = password ?? createPassword()
    await this.takeTurn(job, () => this.#save(job, chosen, actor))
    await this.#note(job, 'webhook.set', actor)
    return this.#view(job, chosen)
  }

  /** Replaces the password of a webhook by a random one. Throws 'webhook-unknown'. */
  async renew(job: JobRow, actor: Actor): Promise<ShownWebhook> {
    const password = createPassword()
    await this.takeTurn(job, async () => {
      if (!(await this.triggers(job.id)).some(isWebhook)) throw unknownWebhook(job)
      await this.#save(job, password, actor)
    })
    await this.#note(job, 'webhook.renew', actor)
    return this.#view(job, password)
  }

  /** Takes the webhook away. Throws 'webhook-unknown'. */
  async remove(job: JobRow, actor: Actor): Promise<void> {
    await this.takeTurn(job, async () => {
      const triggers = await this.triggers(job.id)
      const left = triggers.filter((trigger) => !isWebhook(trigger))
      if (left.length === triggers.length) throw unknownWebhook(job)
      await this.#saveTriggers(job, left, actor)
    })
    await this.#note(job, 'webhook.delete', actor)
  }

  /**
   * The triggers that a caller sent, with the webhook that the job has already: a list of triggers neither takes a webhook
   * away nor its password, because who writes such a list does not know the password and must not have to.
   */
  keep(sent: readonly TriggerSpec[], before: readonly TriggerSpec[]): TriggerSpec[] {
    const kept = before.find(isWebhook)
    const place = sent.findIndex(isWebhook)
    if (place < 0) return kept === undefined ? [...sent] : [...sent, kept]
    const others = sent.filter((trigger, index) => index === place || !isWebhook(trigger))
    return others.map((trigger) => (isWebhook(trigger) ? (kept ?? trigger) : trigger))
  }

  /** Gives a webhook a password that has none yet: that of a job whose id was not known before it was saved. */
  async complete(job: JobRow, actor: Actor): Promise<JobRow> {
    const lacking = (await this.triggers(job.id)).some(
      (trigger) => isWebhook(trigger) && trigger.password === undefined,
    )
    return lacking ? await this.#save(job, createPassword(), actor) : job
  }

  /** The triggers of a job. */
  async triggers(jobId: string): Promise<TriggerSpec[]> {
    return (await this.#services.store.read('listTriggers', { jobIds: [jobId] })).map(({ spec }) => spec)
  }

  /** Whether a password is that of the job's webhook. Throws 'webhook-unknown' when it has none. */
  async verify(job: JobRow, presented: string): Promise<boolean> {
    const password = await this.#passwordOf(job.id)
    if (password === null) throw unknownWebhook(job)
    return isSame(password, presented)
  }

  async #passwordOf(jobId: string): Promise<string | null> {
    const sealed = (await this.triggers(jobId)).find(isWebhook)?.password
    return sealed === undefined ? null : this.#services.sealer.open(sealed, placeOf(jobId))
  }

  async #save(job: JobRow, password: string, actor: Actor): Promise<JobRow> {
    const others = (await this.triggers(job.id)).filter((trigger) => !isWebhook(trigger))
    const sealed = this.#services.sealer.seal(password, placeOf(job.id))
    return await this.#saveTriggers(job, [...others, { type: 'webhook', password: sealed }], actor)
  }

  async #saveTriggers(job: JobRow, triggers: readonly TriggerSpec[], actor: Actor): Promise<JobRow> {
    const { collectionId, kind, type, name } = job
    const saved = await this.#services.jobs.save({ collectionId, kind, type, name, triggers }, 'existing', actor)
    return saved.job
  }

  async #note({ id, name, collectionId }: JobRow, action: string, actor: Actor): Promise<void> {
    const entry = { actor, action, targetType: 'job', targetId: id, targetName: name, collectionId }
    await this.#services.store.write('addAudit', { entry, at: this.#services.clock.now() })
  }

  #view({ id }: JobRow, password: string): ShownWebhook {
    return { url: `${this.#services.settings.publicUrl()}/hooks/${id}`, user: USER, password }
  }
}

type WebhookTrigger = Extract<TriggerSpec, { type: 'webhook' }>

function isWebhook(trigger: TriggerSpec): trigger is WebhookTrigger {
  return trigger.type === 'webhook'
}

function placeOf(jobId: string): string {
  return `webhook:${jobId}`
}

function createPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url')
}

/** Compares hashes, which are of the same length and say nothing about how much of a guess was right. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function unknownWebhook({ name }: JobRow): JobyardError {
  return new JobyardError('webhook-unknown', `The job ${name} has no webhook.`)
}
