import { type Logger, pino, stdSerializers } from 'pino'

/** The server's own log: a line of JSON per event, without secrets. */
export function createLogger(level: string, to: NodeJS.WritableStream = process.stderr): Logger {
  const serializers = { err: describeError }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers }, to)
}

/** What is told of an error. `code` and `hint` are those of the catalogue, of the system or of the database. */
const TOLD = new Set(['type', 'message', 'stack', 'code', 'hint'])

/**
 * What a line of the log says of an error, and of those it is made of. Libraries hang much on theirs that is nobody's
 * business: a database connection with all that it was asked and the key by which it can be cut, or the values of a row
 * that was refused. So only what is known to be harmless is told.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const told = Object.entries(stdSerializers.err(error)).filter(
    ([name, value]) => TOLD.has(name) && (typeof value === 'string' || typeof value === 'number'),
  )
  const parts = [error, error.cause].flatMap((each) => (each instanceof AggregateError ? each.errors : []))
  return { ...Object.fromEntries(told), ...(parts.length === 0 ? {} : { errors: parts.map(describeError) }) }
}
