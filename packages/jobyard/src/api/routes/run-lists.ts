import { STATES, type State } from '@jobyard/jobs'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import { nearest } from '../../domain/spelling.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { readMaybeInstant } from '../input/instants.ts'
import { closed, DEFAULT_LIMIT, instantInput, JOB_SCOPE, JobRef, oneOf, PAGING } from '../schemas/base.ts'
import { RunPage, WHYS } from '../schemas/runs.ts'
import { OF_JOB } from './jobs.ts'

const FILTER = {
  state: Type.Optional(
    Type.String({ maxLength: 200, description: `One or more of ${STATES.join(', ')}, with commas between.` }),
  ),
  why: Type.Optional(oneOf(WHYS, 'Why they began.')),
  from: Type.Optional(instantInput('Made at or after.')),
  to: Type.Optional(instantInput('Made before.')),
  ...PAGING,
}

/** Routes that list runs. */
export function runListRoutes(app: ApiApp, context: ApiContext): void {
  const { directory } = context
  app.get(
    '/v1/jobs/:job/runs',
    {
      config: { access: 'viewer', refusals: [409] },
      schema: {
        operationId: 'listRunsOfJob',
        tags: ['runs'],
        summary: 'Runs of a job, the newest first',
        params: OF_JOB,
        querystring: closed({ ...JOB_SCOPE, ...FILTER }),
        response: { 200: RunPage },
      },
    },
    async (request) => {
      const { collection, kind, type, ...filter } = request.query
      const job = await directory.requireJob(bearerOf(request), request.params.job, { collection, kind, type })
      return await listRuns(context, request, { jobId: job.id }, filter)
    },
  )
  app.get(
    '/v1/runs',
    {
      config: { access: 'viewer', refusals: [404, 409] },
      schema: {
        operationId: 'listRuns',
        tags: ['runs'],
        summary: 'Runs, the newest first',
        querystring: closed({ job: Type.Optional(JobRef), ...JOB_SCOPE, ...FILTER }),
        response: { 200: RunPage },
      },
    },
    async (request) => {
      const { job, collection, kind, type, ...filter } = request.query
      const bearer = bearerOf(request)
      if (job !== undefined) {
        const { id: jobId } = await directory.requireJob(bearer, job, { collection, kind, type })
        return await listRuns(context, request, { jobId }, filter)
      }
      if (type !== undefined) {
        throw new JobyardError('input-invalid', 'type narrows the name of a job, and none is given.', { field: 'type' })
      }
      const collectionId = await directory.collectionFilter(bearer, collection)
      const of = { ...(collectionId === undefined ? {} : { collectionId }), ...(kind === undefined ? {} : { kind }) }
      return await listRuns(context, request, of, filter)
    },
  )
}

async function listRuns(
  { services, shower }: ApiContext,
  request: FastifyRequest,
  of: { readonly jobId?: string; readonly collectionId?: string; readonly kind?: string },
  filter: {
    readonly state?: string
    readonly why?: (typeof WHYS)[number]
    readonly from?: string
    readonly to?: string
    readonly limit?: number
    readonly cursor?: string
  },
) {
  const { limit = DEFAULT_LIMIT, cursor, why } = filter
  const { collectionId: only } = bearerOf(request)
  const [before] = readCursor('runs', cursor, 'string') ?? []
  const states = readStates(filter.state)
  const from = readMaybeInstant(filter.from, 'from')
  const to = readMaybeInstant(filter.to, 'to')
  if (from !== undefined && to !== undefined && to <= from) {
    throw new JobyardError('input-invalid', 'to is not after from, so there can be no run between.', { field: 'to' })
  }
  const rows = await services.store.read('listRuns', {
    ...of,
    ...(only === null ? {} : { collectionId: only }),
    ...(states === undefined ? {} : { states }),
    ...(why === undefined ? {} : { why }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(before === undefined ? {} : { before }),
    limit: limit + 1,
  })
  const { items, next } = cutPage(rows, limit, ({ id }) => writeCursor('runs', id))
  return { items: await shower.runs(items), next }
}

function readStates(text: string | undefined): State[] | undefined {
  if (text === undefined) return undefined
  return text.split(',').map((word) => {
    const state = STATES.find((each) => each === word.trim())
    if (state !== undefined) return state
    const meant = nearest(word.trim(), STATES)
    throw new JobyardError('input-invalid', `state holds ${JSON.stringify(word.slice(0, 40))}, which is no state.`, {
      field: 'state',
      hint: meant === undefined ? `Known are ${STATES.join(', ')}.` : `Did you mean ${meant}?`,
    })
  })
}
