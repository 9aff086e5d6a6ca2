import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import type { ServiceContext } from '../../services/context.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { Caller } from '../webjobs/acts.ts'
import type { ArmPlace } from '../webjobs/arm-items.ts'
import { type Links, linksFor } from '../webjobs/links.ts'
import type { WebJobReader, WebJobType } from '../webjobs/reader.ts'
import { notFound } from './errors.ts'

/** What every route of Resource Manager works with. */
export interface ArmContext extends ServiceContext {
  readonly reader: WebJobReader
  /** The deployment slot that this server is. */
  readonly slot: string
}

/** The parts of a path; which there are depends on the route. */
export interface ArmParams {
  readonly site: string
  readonly slot?: string
}

/** The types of a route of a site. */
export interface OfSite {
  Params: ArmParams
}

/** The types of a route of one job. */
export interface OfJob {
  Params: ArmParams & { readonly name: string }
}

/** The types of a route of one run. */
export interface OfRun {
  Params: ArmParams & { readonly name: string; readonly id: string }
}

/** The location of everything here, unless the request says another. */
const LOCATION = 'global'

/**
 * The collection that is the site of a path. The subscription and the resource group may be any; a slot must be the one that
 * this server is.
 */
export async function siteOf(context: ArmContext, request: FastifyRequest, params: ArmParams): Promise<string> {
  const { site, slot } = params
  if (slot !== undefined && slot.toLowerCase() !== context.slot.toLowerCase()) {
    throw notFound('Microsoft.Web/sites/slots', `${site}/${slot}`)
  }
  try {
    return (await context.directory.requireCollection(bearerOf(request), site)).id
  } catch (error) {
    if (!(error instanceof JobyardError) || error.code !== 'collection-unknown') throw error
    throw notFound('Microsoft.Web/sites', site)
  }
}

/** The job that a path names. */
export async function requireJob(
  context: ArmContext,
  request: FastifyRequest,
  params: OfJob['Params'],
  types: readonly WebJobType[],
): Promise<JobRow> {
  const { site, name } = params
  const collectionId = await siteOf(context, request, params)
  for (const type of types) {
    const job = await context.reader.row(collectionId, type, name)
    if (job !== null) return job
  }
  const [type, other] = types
  throw notFound(`Microsoft.Web/sites/${other === undefined ? type : ''}webjobs`, `${site}/${name}`)
}

/** Who asks. */
export function callerOf(request: FastifyRequest): Caller {
  return { actor: actorOf(request), userAgent: request.headers['user-agent'] }
}

/** Where the answer lies: at the address that was asked. */
export function placeOf({ originalUrl, headers }: FastifyRequest): ArmPlace {
  const location = headers['x-ms-geo-location']
  const path = originalUrl.split('?', 1)[0]?.replace(/\/$/, '') ?? originalUrl
  return { path, location: typeof location === 'string' ? location : LOCATION }
}

/** The addresses that an answer holds, which are Kudu's. */
export function linksOf({ services }: ArmContext, request: FastifyRequest): Links {
  return linksFor(request, services.settings.publicUrl())
}
