import { type Logger, pino, stdSerializers } from 'pino'

/** The server's own log: a line of JSON per event, without secrets. */
export function createLogger(level: string, to: NodeJS.WritableStream = process.stderr): Logger {
  const serializers = { err: describeError }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers }, to)
}

/**
 * What a line of the log says of an error. Libraries hang whole objects on theirs, such as a database connection with all
 * that it was asked and the key by which it can be cut: nothing but plain values of the error itself is told.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const told = Object.entries(stdSerializers.err(error)).filter(
    ([, value]) => value === null || typeof value !== 'object',
  )
  return Object.fromEntries(told)
}
