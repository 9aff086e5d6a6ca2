import { parseNcrontab } from '../../domain/ncrontab.ts'
import { previewOccurrences } from '../../domain/occurrences.ts'
import { DEFAULT_TIME_ZONE, requireZone } from '../../domain/zone.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import type { ApiContext } from '../context.ts'
import { readMaybeInstant } from '../input/instants.ts'
import { Preview, PreviewInput } from '../schemas/access.ts'

/** Occurrences of a preview that does not say how many. */
export const DEFAULT_OCCURRENCES = 10

/** Routes about schedules that belong to no job. */
export function scheduleRoutes(app: ApiApp, { services }: ApiContext): void {
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
    async ({ body }) => {
      const { ncrontab: text, count = DEFAULT_OCCURRENCES, timeZone: zone = DEFAULT_TIME_ZONE } = body
      const ncrontab = parseNcrontab(text, 'ncrontab')
      const timeZone = requireZone(zone, 'timeZone')
      const after = readMaybeInstant(body.from, 'from') ?? services.clock.now()
      const before = readMaybeInstant(body.until, 'until')
      const range = { after, count, ...(before === undefined ? {} : { before }) }
      return {
        occurrences: previewOccurrences({ ncrontab, timeZone }, range),
        warnings: ncrontab.warnings.map(({ code, message }) => ({ code, message })),
        normalised: ncrontab.normalised,
      }
    },
  )
}
