import { Readable } from 'node:stream'
import { isFinished } from '@jobyard/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import type { RunRow } from '../../domain/model.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { chooseFormat, FORMATS, type Format } from '../input/format.ts'
import { Attempts } from '../live/attempts.ts'
import { firstPage, type LiveReading, liveRun, liveTask, readPosition, wholeOutput } from '../live/output-stream.ts'
import { lastEventId, sendLive } from '../live/sse.ts'
import { closed, oneOf } from '../schemas/base.ts'
import { OutputPage } from '../schemas/runs.ts'
import { showOutput } from '../views/runs.ts'
import { OF_RUN, OF_TASK } from './runs.ts'

const QUERY = {
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'Only entries with a greater seq. Default 0.' })),
  maxBytes: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 4 * 1024 * 1024, description: 'About how many bytes. Default 256 KB.' }),
  ),
  tail: Type.Optional(Type.Boolean({ description: 'The newest entries that fit, instead of the oldest.' })),
  format: Type.Optional(oneOf(FORMATS, 'Instead of the header Accept.')),
}

const RESPONSE = {
  200: {
    description: 'The output.',
    content: {
      'application/json': { schema: OutputPage },
      'text/plain': { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) },
      'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) },
    },
  },
}

const DESCRIPTION = `In the form that the header Accept names:

- \`application/json\`: a page of entries.
- \`text/plain\`: the bytes of all streams as they came, the whole log as it is now.
- \`text/event-stream\`: entries as they come. Each is an event \`output\`; at the end comes an event \`end\` with the state, and
  the stream closes. It goes on behind the id of the header Last-Event-ID, or behind \`after\`.`

/** Routes of output. */
export function outputRoutes(app: ApiApp, context: ApiContext): void {
  const { directory } = context
  app.get(
    '/v1/tasks/:task/output',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getTaskOutput',
        tags: ['output'],
        summary: 'The output of a task',
        description: DESCRIPTION,
        params: OF_TASK,
        querystring: closed(QUERY),
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const task = await directory.requireTask(bearerOf(request), request.params.task)
      const format = chooseFormat(request, request.query.format)
      if (format !== 'events') return await sendStored(context, reply, task.id, format, request.query)
      const after = startOf(request, request.query.after).after
      return sendLive(context, request, reply, (signal) => liveTask(reading(context, signal), task, after))
    },
  )
  app.get(
    '/v1/runs/:run/output',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getRunOutput',
        tags: ['output'],
        summary: 'The output of a run',
        description: `That of the latest attempt at its only target (or its first), or of the one that \`attempt\` names. ${DESCRIPTION}

A live stream without \`attempt\` follows the run through all further attempts: an event \`attempt\` tells where each begins.`,
        params: OF_RUN,
        querystring: closed({ ...QUERY, attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })) }),
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const run = await directory.requireRun(bearerOf(request), request.params.run)
      const { attempt, ...query } = request.query
      const format = chooseFormat(request, query.format)
      if (format === 'events' && attempt === undefined) {
        const from = startOf(request, query.after)
        return sendLive(context, request, reply, (signal) => liveRun(reading(context, signal), run, from))
      }
      const taskId = await findAttempt(context, run, attempt)
      if (format !== 'events') return await sendStored(context, reply, taskId, format, query)
      const task = await directory.requireTask(bearerOf(request), taskId ?? '')
      const { after } = startOf(request, query.after)
      return sendLive(context, request, reply, (signal) => liveTask(reading(context, signal), task, after))
    },
  )
}

function reading({ services, settings }: ApiContext, signal: AbortSignal): LiveReading {
  return { services, heartbeatMs: settings.heartbeatMs, signal }
}

function startOf(request: FastifyRequest, after: number | undefined) {
  const last = lastEventId(request)
  return last === undefined && after !== undefined ? { after } : readPosition(last)
}

/** The task of an attempt; the latest when none is named; undefined when there is none at all yet. */
async function findAttempt(
  { services }: ApiContext,
  run: RunRow,
  wanted: number | undefined,
): Promise<string | undefined> {
  const attempts = new Attempts(services.store, run.id)
  const latest = await attempts.latest()
  const taskId = attempts.taskId(wanted ?? latest)
  if (taskId === undefined && wanted !== undefined) {
    throw new JobyardError('task-unknown', `The run has no attempt ${wanted}; the latest is ${latest}.`, {
      field: 'attempt',
    })
  }
  return taskId
}

async function sendStored(
  { services: { output, store } }: ApiContext,
  reply: FastifyReply,
  taskId: string | undefined,
  format: Exclude<Format, 'events'>,
  { after, maxBytes, tail }: { readonly after?: number; readonly maxBytes?: number; readonly tail?: boolean },
) {
  if (format === 'text') {
    // A browser must show it as text whatever is in it.
    reply.header('content-type', 'text/plain; charset=utf-8')
    if (taskId === undefined) return Readable.from([])
    const first = await firstPage(output, taskId)
    return Readable.from(wholeOutput(output, taskId, first), { objectMode: false })
  }
  reply.header('content-type', 'application/json; charset=utf-8')
  const query = {
    ...(after === undefined ? {} : { after }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(tail === undefined ? {} : { tail }),
  }
  if (taskId === undefined) return NOTHING_YET
  // A task that printed nothing has no log to be ended. Its state is read first, so that no output comes in between.
  const task = await store.read('getTask', { id: taskId })
  const page = showOutput(await output.read(taskId, query))
  return { ...page, ended: page.ended || (task !== null && isFinished(task.state)) }
}

const NOTHING_YET = { items: [], firstSeq: 1, lastSeq: 0, bytes: 0, dropped: 0, ended: false, next: null }
