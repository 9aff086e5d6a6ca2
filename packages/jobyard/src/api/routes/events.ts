import type { Readable } from 'node:stream'
import Type from 'typebox'
import type { Bearer } from '../../services/auth/bearer.ts'
import type { JobScope } from '../../services/directory.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { chooseFormat } from '../input/format.ts'
import { Bell } from '../live/bell.ts'
import { feedEvents } from '../live/event-feed.ts'
import { listEvents } from '../live/event-list.ts'
import { lastEventId, sendLive } from '../live/sse.ts'
import { closed, DEFAULT_LIMIT, JOB_SCOPE, JobRef, oneOf, PAGING } from '../schemas/base.ts'
import { EventPage } from '../schemas/events.ts'

const DESCRIPTION = `Events such as \`run.created\`, \`run.changed\`, \`task.changed\`, \`job.saved\` and \`job.deleted\`, in the form that the header Accept names:

- \`application/json\`: a page of those that have happened, the newest first. This instance keeps its latest 10,000, in memory: they are gone when it is started anew. \`keptSince\` says how far back they go.
- \`text/event-stream\`: events as they happen. The stream goes on behind the id of the header Last-Event-ID, or behind \`after\`; an event \`gap\` says that some are not kept any longer, or that the reader was too slow.`

const QUERY = {
  job: Type.Optional(JobRef),
  ...JOB_SCOPE,
  after: Type.Optional(
    Type.String({
      pattern: '^[0-9a-z]{1,20}-[0-9]{1,15}$',
      description: 'Only events behind the one with this id. The header Last-Event-ID is the same.',
    }),
  ),
  format: Type.Optional(oneOf(['json', 'events'], 'Instead of the header Accept.')),
  ...PAGING,
}

/** The route of events. */
export function eventRoutes(app: ApiApp, context: ApiContext): void {
  const { services, settings, directory } = context
  const { events, clock } = services
  // Numbers of events begin anew with every process; with this before them, those of another process are told apart.
  const epoch = clock.now().toString(36)
  app.get(
    '/v1/events',
    {
      config: { access: 'viewer', refusals: [404, 409] },
      schema: {
        operationId: 'listEvents',
        tags: ['events'],
        summary: 'What happens on this instance: the latest, or live',
        description: DESCRIPTION,
        querystring: closed(QUERY),
        response: {
          200: {
            description: 'The events.',
            content: {
              'application/json': { schema: EventPage },
              'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { job, after, cursor, limit = DEFAULT_LIMIT, format, ...named } = request.query
      const scope = await scopeOf(context, bearerOf(request), job, named)
      const seen = lastEventId(request) ?? after
      if (chooseFormat(request, format) !== 'events') {
        reply.header('content-type', 'application/json; charset=utf-8')
        return await listEvents({ events, directory, epoch }, { scope, after: seen, cursor, limit })
      }
      const parts = { events, directory, bell: new Bell(clock), epoch, heartbeatMs: settings.heartbeatMs }
      return sendLive(context, request, reply, (signal) => feedEvents(parts, scope, seen, signal))
    },
  )
}

/** Which events the caller asks for, as far as it may see them. */
async function scopeOf({ directory }: ApiContext, bearer: Bearer, job: string | undefined, named: JobScope) {
  if (job !== undefined) return { jobId: (await directory.requireJob(bearer, job, named)).id }
  const collectionId = await directory.collectionFilter(bearer, named.collection)
  return collectionId === undefined ? {} : { collectionId }
}
