import type { FastifyRequest } from 'fastify'
import type { JobRow, RunRow } from '../domain/model.ts'
import { actorOf, bearerOf } from '../services/http/sender.ts'
import type { ApiContext } from './context.ts'

/** What the audit log calls going back to an earlier package. */
export const ROLLBACK = 'job.rollback'

/*
 * What an earlier sending of the same request has made before its server died: see IdempotencyKeys. Each answers
 * undefined for a request that is sent for the first time, without asking the store.
 */

/** The run that this request is for. */
export async function findMadeRun({ services }: ApiContext, request: FastifyRequest): Promise<RunRow | undefined> {
  const { hold } = request
  if (hold?.resumed !== true) return undefined
  return (await services.store.read('getRun', { id: hold.subject })) ?? undefined
}

/** The job that this request is to make: one of that name that is not older than the request. */
export async function findMadeJob(
  { services, directory }: ApiContext,
  request: FastifyRequest,
  {
    collection,
    kind = 'script',
    name,
    type,
  }: Readonly<{ collection?: string; kind?: string; name: string; type?: string }>,
): Promise<JobRow | undefined> {
  const { hold } = request
  if (hold?.resumed !== true) return undefined
  const { id: collectionId } = await directory.requireCollection(bearerOf(request), collection)
  const wanted = { collectionId, kind, name, ...(type === undefined ? {} : { type }) }
  const [job, other] = await services.store.read('findJobs', wanted)
  return other === undefined && job !== undefined && job.createdAt >= hold.takenAt ? job : undefined
}

/** So many of the latest changes of a job are looked through for one that was made before. */
const LATEST_CHANGES = 100

/** Whether the roll-back that this request asks for is on record: one by the same bearer that is not older than it. */
export async function isRolledBack({ services }: ApiContext, request: FastifyRequest, job: JobRow): Promise<boolean> {
  const { hold } = request
  if (hold?.resumed !== true) return false
  const { name } = actorOf(request)
  const changes = await services.store.read('listAudit', { targetId: job.id, limit: LATEST_CHANGES })
  return changes.some(({ action, actor, time }) => action === ROLLBACK && actor === name && time >= hold.takenAt)
}
