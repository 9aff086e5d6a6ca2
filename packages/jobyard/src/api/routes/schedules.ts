import { parseNcrontab } from '../../domain/ncrontab.ts'
import { previewOccurrences } from '../../domain/occurrences.ts'
import { DEFAULT_TIME_ZONE, requireZone } from '../../domain/zone.ts'
import type { Bearer } from '../../services/auth/bearer.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { readMaybeInstant } from '../input/instants.ts'
import { Preview, PreviewInput } from '../schemas/access.ts'

/** Occurrences of a preview that does not say how many. */
export const DEFAULT_OCCURRENCES = 10

/** Routes about schedules that belong to no job. */
export function scheduleRoutes(app: ApiApp, { services, directory }: ApiContext): void {
  app.post(
    '/v1/schedules/preview',
    {
      config: { access: 'viewer', idempotency: 'off' },
      schema: {
        operationId: 'previewSchedule',
        tags: ['schedules'],
        summary: 'When a schedule falls due',
        description:
          'Occurrences strictly after `from` and strictly before `until`. A text that cannot be read is refused with the place of its first fault.',
        body: PreviewInput,
        response: { 200: Preview },
      },
    },
    async (request) => {
      const { body } = request
      const { ncrontab: text, count = DEFAULT_OCCURRENCES } = body
      const ncrontab = parseNcrontab(text, 'ncrontab')
      const timeZone = requireZone(body.timeZone ?? (await zoneOf(bearerOf(request), body.collection)), 'timeZone')
      const after = readMaybeInstant(body.from, 'from') ?? services.clock.now()
      const before = readMaybeInstant(body.until, 'until')
      const range = { after, count, ...(before === undefined ? {} : { before }) }
      return {
        occurrences: previewOccurrences({ ncrontab, timeZone }, range),
        warnings: [...ncrontab.warnings.map(({ code, message }) => ({ code, message })), ...ofRange(after, before)],
        normalised: ncrontab.normalised,
        timeZone,
      }
    },
  )

  async function zoneOf(bearer: Bearer, collection: string | undefined): Promise<string> {
    if (collection === undefined) return DEFAULT_TIME_ZONE
    const { id: collectionId } = await directory.requireCollection(bearer, collection)
    return await services.store.read('readDefaultZone', { collectionId })
  }
}

/** Nothing lies in such a range whatever the schedule is, which must not look as if it never fell due. */
function ofRange(after: number, before: number | undefined) {
  if (before === undefined || before >= after) return []
  return [{ code: 'range-empty', message: '`until` is before `from`, so no time of any schedule lies between them.' }]
}
