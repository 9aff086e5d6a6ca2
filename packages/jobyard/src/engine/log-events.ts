import type { Events } from './events.ts'

/** As much of a logger as is needed here; pino's is one. */
export interface EventLog {
  debug(data: object, message: string): void
  info(data: object, message: string): void
  warn(data: object, message: string): void
  error(data: object, message: string): void
}

/** Turns what the engine announces into lines of a log. Answers how to stop. */
export function logEvents(events: Events, log: EventLog): () => void {
  return events.listen(({ event }) => {
    switch (event.type) {
      case 'error':
        log.error({ err: event.error, where: event.where }, `${event.where} failed`)
        break
      case 'lease.lost':
        log.error(
          { instance: event.instanceId },
          'this instance was declared dead; it ends what it runs and enters anew',
        )
        break
      case 'instance.gone':
        log.warn({ instance: event.instanceId }, 'an instance is gone; its runs ended by policy')
        break
      case 'schedule.passed':
        log.warn(
          { job: event.jobId, due: new Date(event.due).toISOString(), count: event.count },
          `no run for ${event.count === 1 ? 'an occurrence' : `${event.count} occurrences`}: ${event.reason}`,
        )
        break
      case 'trigger.refused':
        log.warn({ job: event.jobId, run: event.runId }, `no run ${event.why} another: ${event.reason}`)
        break
      case 'schedule.unreadable':
        log.error({ job: event.jobId }, event.message)
        break
      case 'run.changed':
        log.info(
          { run: event.runId, job: event.jobId, number: event.number, reason: event.reasonText },
          `run ${event.state}`,
        )
        break
      case 'settings.changed':
        log.info({ collection: event.collectionId }, 'app settings were changed')
        break
      default:
        log.debug({ ...event }, event.type)
    }
  })
}
