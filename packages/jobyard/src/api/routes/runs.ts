import { STATES, type State } from '@jobyard/jobs'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import { actorOf, bearerOf } from '../auth/bearer.ts'
import type { ApiApp, ApiContext } from '../context.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { readMaybeInstant } from '../input/instants.ts'
import { nearest } from '../input/nearest.ts'
import { makeRunOrRefuse, readArgs, readPayload } from '../run-requests.ts'
import { closed, DEFAULT_LIMIT, Id, instantInput, JOB_SCOPE, JobRef, oneOf, PAGING } from '../schemas/base.ts'
import { Run, RunInput, RunPage, Task, TaskPage, WHYS } from '../schemas/runs.ts'
import { showTask } from '../views/runs.ts'
import { OF_JOB, SCOPE } from './jobs.ts'

/** The parameters of a route of one run. */
export const OF_RUN = closed({ run: Id })

/** The parameters of a route of one task. */
export const OF_TASK = closed({ task: Id })

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

/** Routes that start runs. */
export function runStartRoutes(app: ApiApp, context: ApiContext): void {
  const { services, directory, shower } = context
  app.post(
    '/v1/jobs/:job/runs',
    {
      config: { access: 'operator', refusals: [409] },
      schema: {
        operationId: 'createRun',
        tags: ['runs'],
        summary: 'Start a job once',
        description:
          'Refused with `run-refused` while the job runs and its overlap rule is `forbid`, and with `run-skipped` when that is `skip`.',
        params: OF_JOB,
        querystring: SCOPE,
        body: RunInput,
        response: { 201: Run },
      },
    },
    async (request, reply) => {
      const job = await directory.requireJob(bearerOf(request), request.params.job, request.query)
      const { args, payload } = request.body
      const detail = whoAsks(request)
      const asked = { why: 'manual', detail, args: readArgs(args), ...readPayload(payload) } as const
      const run = await makeRunOrRefuse(context, request, job, asked)
      return reply
        .code(201)
        .header('location', `/v1/runs/${run.id}`)
        .send(await shower.run(run))
    },
  )
  app.post(
    '/v1/runs/:run/rerun',
    {
      config: { access: 'operator', refusals: [409] },
      schema: {
        operationId: 'rerun',
        tags: ['runs'],
        summary: 'Start a new run with the arguments and the body of an earlier one',
        params: OF_RUN,
        response: { 201: Run },
      },
    },
    async (request, reply) => {
      const earlier = await directory.requireRun(bearerOf(request), request.params.run)
      const job = await directory.requireJob(bearerOf(request), earlier.jobId)
      const payload = await services.store.read('getPayload', { runId: earlier.id })
      const detail = { ...whoAsks(request), run: earlier.id, number: earlier.number }
      const asked = { why: 'rerun', detail, args: earlier.args, ...(payload === null ? {} : { payload }) } as const
      const run = await makeRunOrRefuse(context, request, job, asked)
      return reply
        .code(201)
        .header('location', `/v1/runs/${run.id}`)
        .send(await shower.run(run))
    },
  )
}

/** A run remembers itself who asked for it: that is what the audit log has of changes. */
function whoAsks(request: FastifyRequest): { by: string; address: string } {
  return { by: bearerOf(request).name, address: request.ip }
}

const VERBS = {
  stop: { wanted: 'stop', summary: 'End a run', done: 'Stopped' },
  suspend: { wanted: 'suspend', summary: 'Freeze a run where it is', done: 'Suspended' },
  resume: { wanted: 'run', summary: 'Let a suspended run go on', done: 'Resumed' },
} as const

/** Routes that show a run and say what is wanted of it. */
export function runRoutes(app: ApiApp, context: ApiContext): void {
  const { directory, shower } = context
  app.get(
    '/v1/runs/:run',
    {
      config: { access: 'viewer' },
      schema: { operationId: 'getRun', tags: ['runs'], summary: 'A run', params: OF_RUN, response: { 200: Run } },
    },
    async (request) => await shower.run(await directory.requireRun(bearerOf(request), request.params.run)),
  )
  for (const verb of ['stop', 'suspend', 'resume'] as const) {
    app.post(
      `/v1/runs/:run/${verb}`,
      {
        config: { access: 'operator', refusals: verb === 'stop' ? [] : [409] },
        schema: {
          operationId: `${verb}Run`,
          tags: ['runs'],
          summary: VERBS[verb].summary,
          description: 'It is asked for here and comes about soon after; the answer is the run as it is then.',
          params: OF_RUN,
          response: { 200: Run },
        },
      },
      async (request) => await shower.run(await wantOf(context, request, request.params.run, verb)),
    )
  }
}

async function wantOf(
  { services, directory }: ApiContext,
  request: FastifyRequest,
  id: string,
  verb: keyof typeof VERBS,
) {
  const bearer = bearerOf(request)
  const run = await directory.requireRun(bearer, id)
  if (run.finishedAt !== null) {
    // What is to end has ended: that is what was wanted.
    if (verb === 'stop') return run
    throw new JobyardError('run-finished', `The run has ended as ${run.state} and cannot be ${verb}ed.`)
  }
  const { wanted, done } = VERBS[verb]
  await services.engine.want([run.id], wanted, { code: 'user', text: `${done} by ${bearer.name}.` })
  const brief = await directory.brief(run.jobId)
  const target = { targetType: 'run', targetId: run.id, targetName: `${brief?.name ?? run.jobId} #${run.number}` }
  const entry = { actor: actorOf(request), action: `run.${verb}`, ...target, collectionId: run.collectionId }
  await services.store.write('addAudit', { entry, at: services.clock.now() })
  return await directory.requireRun(bearer, run.id)
}

/** Routes that show tasks. */
export function taskRoutes(app: ApiApp, { services, directory }: ApiContext): void {
  app.get(
    '/v1/runs/:run/tasks',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listTasks',
        tags: ['runs'],
        summary: 'Tasks of a run, every attempt of them, in the order of their making',
        params: OF_RUN,
        querystring: closed(PAGING),
        response: { 200: TaskPage },
      },
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query
      const [after] = readCursor('tasks', cursor, 'string') ?? []
      const { id: runId } = await directory.requireRun(bearerOf(request), request.params.run)
      const behind = after === undefined ? {} : { after }
      const rows = await services.store.read('listTasks', { runId, ...behind, limit: limit + 1 })
      const { items, next } = cutPage(rows, limit, ({ id }) => writeCursor('tasks', id))
      return { items: items.map(showTask), next }
    },
  )
  app.get(
    '/v1/tasks/:task',
    {
      config: { access: 'viewer' },
      schema: { operationId: 'getTask', tags: ['runs'], summary: 'A task', params: OF_TASK, response: { 200: Task } },
    },
    async (request) => showTask(await directory.requireTask(bearerOf(request), request.params.task)),
  )
}
