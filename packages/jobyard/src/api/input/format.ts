import type { FastifyRequest } from 'fastify'

/** The forms in which an answer can come that is stored and goes on. */
export const FORMATS = ['json', 'text', 'events'] as const

/** One of these forms. */
export type Format = (typeof FORMATS)[number]

/** The form that the query or the header Accept names; JSON when neither says anything that is given here. */
export function chooseFormat({ headers: { accept = '' } }: FastifyRequest, wanted: Format | undefined): Format {
  if (wanted !== undefined) return wanted
  const types = accept.split(',').map((part) => part.split(';', 1)[0]?.trim().toLowerCase())
  const first = types.find((type) => type !== undefined && Object.hasOwn(BY_TYPE, type))
  return first === undefined ? 'json' : (BY_TYPE[first] ?? 'json')
}

const BY_TYPE: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'text/plain': 'text',
  'text/event-stream': 'events',
}
