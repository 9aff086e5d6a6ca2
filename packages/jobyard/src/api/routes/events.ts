import type { Readable } from 'node:stream'
import Type from 'typebox'
import { bearerOf } from '../auth/bearer.ts'
import type { ApiApp, ApiContext } from '../context.ts'
import { Bell } from '../live/bell.ts'
import { feedEvents } from '../live/event-feed.ts'
import { lastEventId, sendLive } from '../live/sse.ts'
import { closed, JOB_SCOPE, JobRef } from '../schemas/base.ts'

/** The route of live events. */
export function eventRoutes(app: ApiApp, context: ApiContext): void {
  const { services, settings, directory } = context
  // Numbers of events begin anew with every process; with this before them, those of another process are told apart.
  const epoch = services.clock.now().toString(36)
  app.get(
    '/v1/events',
    {
      config: { access: 'viewer', refusals: [404, 409] },
      schema: {
        operationId: 'followEvents',
        tags: ['events'],
        summary: 'What happens on this instance, live',
        description:
          'Events such as `run.created`, `run.changed`, `task.changed`, `job.saved` and `job.deleted`. The stream goes on behind the id of the header Last-Event-ID; an event `gap` says that some are not kept any longer, or that the reader was too slow.',
        querystring: closed({
          job: Type.Optional(JobRef),
          ...JOB_SCOPE,
          after: Type.Optional(Type.String({ maxLength: 100, description: 'Instead of the header Last-Event-ID.' })),
        }),
        response: {
          200: {
            description: 'The events.',
            content: { 'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const { job, after, ...scope } = request.query
      const bearer = bearerOf(request)
      const jobId = job === undefined ? undefined : (await directory.requireJob(bearer, job, scope)).id
      const collectionId = jobId === undefined ? await directory.collectionFilter(bearer, scope.collection) : undefined
      const wanted = {
        ...(jobId === undefined ? {} : { jobId }),
        ...(collectionId === undefined ? {} : { collectionId }),
      }
      const { events, clock } = services
      const parts = { events, directory, bell: new Bell(clock), epoch, heartbeatMs: settings.heartbeatMs }
      const seen = lastEventId(request) ?? after
      return sendLive(context, request, reply, (signal) => feedEvents(parts, wanted, seen, signal))
    },
  )
}
