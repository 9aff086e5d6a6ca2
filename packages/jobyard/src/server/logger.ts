import { type Logger, pino } from 'pino'

/** The server's own log: a line of JSON per event, without secrets. */
export function createLogger(level: string, to: NodeJS.WritableStream = process.stderr): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, to)
}
