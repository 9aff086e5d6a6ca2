import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { JobRow } from '../../domain/model.ts'
import type { Directory } from '../../services/directory.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { passOverIfDone } from '../idempotency.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { writeJob, writeNamedJob } from '../job-writer.ts'
import { findMadeJob } from '../made-before.ts'
import { closed, DEFAULT_LIMIT, JOB_SCOPE, JobRef, Nothing, PAGING } from '../schemas/base.ts'
import { Job, JobChange, JobInput, JobPage } from '../schemas/jobs.ts'
import { showMade } from '../shared-names.ts'

const TAGS = ['jobs']

const SHARED =
  'A job may have the name of one of another type; the answer to whoever makes it has the warning `name-shared` then.'

/** The parameters of a route of one job. */
export const OF_JOB = closed({ job: JobRef })

/** The query of a route of one job. */
export const SCOPE = closed(JOB_SCOPE)

/** The job that a request names. Throws 'job-unknown' and 'job-ambiguous'. */
export function jobOf(directory: Directory, request: FastifyRequest & OfJob): Promise<JobRow> {
  return directory.requireJob(bearerOf(request), request.params.job, request.query)
}

interface OfJob {
  readonly params: { readonly job: string }
  readonly query: Static<typeof SCOPE>
}

/** Routes that list and show jobs. */
export function jobRoutes(app: ApiApp, { services, directory, shower }: ApiContext): void {
  app.get(
    '/v1/jobs',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listJobs',
        tags: TAGS,
        summary: 'Jobs, by name',
        querystring: closed({
          ...JOB_SCOPE,
          enabled: Type.Optional(Type.Boolean()),
          search: Type.Optional(
            Type.String({ minLength: 1, maxLength: 100, description: 'Part of the name, whatever its case.' }),
          ),
          ...PAGING,
        }),
        response: { 200: JobPage },
      },
    },
    async (request) => {
      const { collection, kind, type, enabled, search, limit = DEFAULT_LIMIT, cursor } = request.query
      const [name, id] = readCursor('jobs', cursor, 'string', 'string') ?? []
      const collectionId = await directory.collectionFilter(bearerOf(request), collection)
      const rows = await services.store.read('listJobs', {
        ...(collectionId === undefined ? {} : { collectionId }),
        ...(kind === undefined ? {} : { kind }),
        ...(type === undefined ? {} : { type }),
        ...(enabled === undefined ? {} : { enabled }),
        ...(search === undefined ? {} : { search }),
        ...(name === undefined || id === undefined ? {} : { after: { name, id } }),
        limit: limit + 1,
      })
      const { items, next } = cutPage(rows, limit, (last) => writeCursor('jobs', last.name, last.id))
      return { items: await shower.jobs(items), next }
    },
  )
  app.get(
    '/v1/jobs/:job',
    {
      config: { access: 'viewer', refusals: [409] },
      schema: {
        operationId: 'getJob',
        tags: TAGS,
        summary: 'A job',
        params: OF_JOB,
        querystring: SCOPE,
        response: { 200: Job },
      },
    },
    async (request) => {
      const job = await jobOf(directory, request)
      return await shower.job(job)
    },
  )
}

/** Routes that make and change jobs. */
export function jobWriteRoutes(app: ApiApp, context: ApiContext): void {
  const { directory, shower } = context
  app.post(
    '/v1/jobs',
    {
      config: { access: 'deployer', refusals: [404, 409] },
      schema: {
        operationId: 'createJob',
        tags: TAGS,
        summary: 'Make a job',
        description: SHARED,
        body: JobInput,
        response: { 201: Job },
      },
    },
    async (request, reply) => {
      const made = await findMadeJob(context, request, request.body)
      const job = made ?? (await writeNamedJob(context, request, request.body, 'new')).job
      return reply
        .code(201)
        .header('location', `/v1/jobs/${job.id}`)
        .send(await showMade(context, job))
    },
  )
  app.put(
    '/v1/jobs',
    {
      config: { access: 'deployer', refusals: [404, 409] },
      schema: {
        operationId: 'putJob',
        tags: TAGS,
        summary: 'Make a job, or change the one of that name',
        description: `What is left out stays as it is. ${SHARED}`,
        body: JobInput,
        response: { 200: Job, 201: Job },
      },
    },
    async (request, reply) => {
      const { job, isNew } = await writeNamedJob(context, request, request.body, 'either')
      return reply
        .code(isNew ? 201 : 200)
        .header('location', `/v1/jobs/${job.id}`)
        .send(await (isNew ? showMade(context, job) : shower.job(job)))
    },
  )
  app.patch(
    '/v1/jobs/:job',
    {
      config: { access: 'deployer', refusals: [409] },
      schema: {
        operationId: 'changeJob',
        tags: TAGS,
        summary: 'Change a job',
        description: 'What is left out stays as it is.',
        params: OF_JOB,
        querystring: SCOPE,
        body: JobChange,
        response: { 200: Job },
      },
    },
    async (request) => {
      const found = await jobOf(directory, request)
      const { job } = await writeJob(context, request, found, request.body, 'existing')
      return await shower.job(job)
    },
  )
}

/** Routes that take jobs away and let their triggers work or not. */
export function jobActRoutes(app: ApiApp, { services, directory, shower }: ApiContext): void {
  app.delete(
    '/v1/jobs/:job',
    {
      config: { access: 'deployer', refusals: [409] },
      schema: {
        operationId: 'deleteJob',
        tags: TAGS,
        summary: 'Take a job away',
        description: 'What runs is stopped; the history goes within a minute.',
        params: OF_JOB,
        querystring: SCOPE,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      try {
        const { id, name } = await jobOf(directory, request)
        await services.engine.deleteJob(id, name, actorOf(request))
      } catch (error) {
        passOverIfDone(request, error, 'job-unknown')
      }
      return reply.code(204).send(null)
    },
  )
  for (const verb of ['start', 'stop'] as const) {
    app.post(
      `/v1/jobs/:job/${verb}`,
      {
        config: { access: 'operator', refusals: [409] },
        schema: {
          operationId: `${verb}Job`,
          tags: TAGS,
          summary: verb === 'start' ? "Let a job's triggers work" : "Keep a job's triggers from working",
          description: `A continuous job is ${verb === 'start' ? 'started' : 'stopped'} with it.`,
          params: OF_JOB,
          querystring: SCOPE,
          response: { 200: Job },
        },
      },
      async (request) => {
        const found = await jobOf(directory, request)
        const { job } = await services.jobs.setEnabled(found, verb === 'start', actorOf(request))
        return await shower.job(job)
      },
    )
  }
}
