import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import type { ServiceContext } from '../../services/context.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { Caller } from '../webjobs/acts.ts'
import { type Links, linksFor } from '../webjobs/links.ts'
import type { WebJobReader, WebJobType } from '../webjobs/reader.ts'
import { siteOfHost } from '../webjobs/site.ts'

/** What every route of Kudu works with. */
export interface KuduContext extends ServiceContext {
  readonly reader: WebJobReader
}

/** Who asks. */
export function callerOf(request: FastifyRequest): Caller {
  return { actor: actorOf(request), userAgent: request.headers['user-agent'] }
}

/** The collection that a request is about. */
export async function siteOf(context: KuduContext, request: FastifyRequest): Promise<string> {
  return (await siteOfHost(context, bearerOf(request), request.hostname)).id
}

/** The job that a request names. Throws 'job-unknown'. */
export async function requireJob(
  context: KuduContext,
  request: FastifyRequest,
  type: WebJobType,
  name: string,
): Promise<JobRow> {
  const collectionId = await siteOf(context, request)
  const address = { collectionId, type, name }
  // A file that was changed counts from then on for whoever does something with the job, or asks for what it says.
  if (request.method === 'GET') await context.edits.trySettleSettings(address)
  else await context.edits.trySettle(address)
  let job = await context.reader.row(collectionId, type, name)
  if (job === null) {
    await context.edits.trySettle(address)
    job = await context.reader.row(collectionId, type, name)
  }
  if (job === null) throw new JobyardError('job-unknown')
  return job
}

/** The addresses of an answer. */
export function linksOf({ services }: KuduContext, request: FastifyRequest): Links {
  return linksFor(request, services.settings.publicUrl())
}
