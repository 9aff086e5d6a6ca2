import type { JobRow, TriggerSpec } from '../domain/model.ts'
import type { Expectation, JobInput } from '../engine/jobs.ts'
import type { Actor } from '../store/procedures/audit.ts'
import type { ServiceContext } from './context.ts'

/** A job that was saved, and whether it is new. */
export interface WrittenJob {
  readonly job: JobRow
  readonly isNew: boolean
}

/**
 * Saves what is said of a job. A list of triggers leaves the job's webhook as it is, and gives a new one a password; see
 * {@link Webhooks.keep}. Throws what saving a job throws.
 */
export async function saveJob(
  { services, webhooks, directory }: ServiceContext,
  input: JobInput,
  expectation: Expectation,
  actor: Actor,
): Promise<WrittenJob> {
  return await webhooks.takeTurn(input, async () => {
    const { triggers: sent, ...rest } = input
    const before = sent === undefined ? [] : await triggersBefore({ services, webhooks }, input)
    const triggers = sent === undefined ? {} : { triggers: webhooks.keep(sent, before) }
    const { job, isNew } = await services.jobs.save({ ...rest, ...triggers }, expectation, actor)
    const complete = sent === undefined ? job : await webhooks.complete(job, actor)
    directory.remember(complete)
    return { job: complete, isNew }
  })
}

async function triggersBefore(
  { services, webhooks }: Pick<ServiceContext, 'services' | 'webhooks'>,
  { collectionId, kind, name, type }: JobInput,
): Promise<readonly TriggerSpec[]> {
  const narrowed = type === undefined ? {} : { type }
  const [job] = await services.store.read('findJobs', { collectionId, kind, name, ...narrowed })
  return job === undefined ? [] : await webhooks.triggers(job.id)
}
