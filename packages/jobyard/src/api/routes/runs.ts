import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { actorOf, bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { makeRunOrRefuse, readArgs, readPayload } from '../run-requests.ts'
import { closed, DEFAULT_LIMIT, Id, PAGING } from '../schemas/base.ts'
import { Run, RunInput, Task, TaskPage } from '../schemas/runs.ts'
import { showTask } from '../views/runs.ts'
import { jobOf, OF_JOB, SCOPE } from './jobs.ts'

/** The parameters of a route of one run. */
export const OF_RUN = closed({ run: Id })

/** The parameters of a route of one task. */
export const OF_TASK = closed({ task: Id })

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
      const job = await jobOf(directory, request)
      const { args, payload } = request.body
      const detail = whoAsks(request)
      const actor = actorOf(request)
      const asked = { why: 'manual', actor, detail, args: readArgs(args), ...readPayload(payload) } as const
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
      const body = payload === null ? {} : { payload }
      const asked = { why: 'rerun', actor: actorOf(request), detail, args: earlier.args, ...body } as const
      const run = await makeRunOrRefuse(context, request, job, asked)
      return reply
        .code(201)
        .header('location', `/v1/runs/${run.id}`)
        .send(await shower.run(run))
    },
  )
}

/** A run remembers itself who asked for it, for as long as it is kept. */
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
