import type { Readable } from 'node:stream'
import Type, { type TObject, type TSchema } from 'typebox'

/**
 * Gives a schema the name under which the interface description lists it. The description is written from the routes'
 * own schemas; what bears a title there becomes a component and is referred to.
 */
export function named<S extends TSchema>(title: string, schema: S): S {
  return Object.assign(schema, { title })
}

/** An object of which every member is known. */
export function closed<P extends Record<string, TSchema>>(members: P, description?: string): TObject<P> {
  return Type.Object(members, { additionalProperties: false, ...(description === undefined ? {} : { description }) })
}

/** One of these words. */
export function oneOf<const W extends readonly string[]>(words: W, description?: string) {
  return Type.Unsafe<W[number]>({ type: 'string', enum: words, ...(description === undefined ? {} : { description }) })
}

/** This, or null. */
export function nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()])
}

/** Any JSON value; its meaning is told by whatever it belongs to. */
export function anyJson(description: string) {
  return Type.Unsafe<unknown>({ type: ['object', 'array', 'string', 'number', 'boolean', 'null'], description })
}

/** An object whose members are known elsewhere, such as to a kind. */
export function openObject(description: string) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, description })
}

/** A moment in an answer. */
export const Instant = Type.String({
  format: 'date-time',
  description: 'ISO 8601 in UTC, with milliseconds.',
  examples: ['2026-11-21T02:00:00.000Z'],
})

/** A moment or nothing in an answer. */
export const MaybeInstant = nullable(Instant)

/** A moment that is sent. It is read by `readInstant`, whose refusals say more than a pattern. */
export function instantInput(description: string) {
  return Type.String({ maxLength: 40, description, examples: ['2026-11-21T02:00:00Z'] })
}

/** A duration, such as `30s`. Read by `parseDuration`. */
export function duration(description: string) {
  return Type.String({ maxLength: 64, description, examples: ['30s'] })
}

/** A size, such as `64MB`. Read by `parseSize`. */
export function size(description: string) {
  return Type.String({ maxLength: 32, description, examples: ['64MB'] })
}

/** The id of something. */
export const Id = Type.String({ maxLength: 36, description: 'UUID, version 7.' })

/** A package's hash in an answer. */
export const Hash = Type.String({ maxLength: 64, description: 'SHA-256 of the contents, 64 hexadecimal digits.' })

/** The hash of an uploaded package, as it is sent. */
export const HashInput = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'Hash of an uploaded package: 64 hexadecimal digits.',
})

/** How a collection is named in a request. */
export const CollectionRef = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'Name or id of a collection. Default: `default`, or the only one that the token is good for.',
})

/** A page of a list. */
export function pageOf<S extends TSchema>(item: S, title: string) {
  return named(
    title,
    closed({
      items: Type.Array(item),
      next: Type.Union([Type.String(), Type.Null()], {
        description: 'Give it back as `cursor` for the next page; null on the last one.',
      }),
    }),
  )
}

/** A list that always comes whole. */
export function wholeOf<S extends TSchema>(item: S, title: string) {
  return named(title, closed({ items: Type.Array(item) }))
}

/** Items of a page unless the query says otherwise. */
export const DEFAULT_LIMIT = 50
/** The most items that a page can be asked to have. */
export const LARGEST_LIMIT = 500

/** The part of a query that every list takes. */
export const PAGING = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LARGEST_LIMIT, description: `Items of a page. Default ${DEFAULT_LIMIT}.` }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: 'The `next` of the page before.' })),
}

/** Narrows the name of a job, which is unique per collection, kind and type. */
export const JOB_SCOPE = {
  collection: Type.Optional(CollectionRef),
  kind: Type.Optional(Type.String({ minLength: 1, maxLength: 50, description: 'Kind of the job, such as `script`.' })),
  type: Type.Optional(Type.String({ minLength: 1, maxLength: 50, description: 'Type of the job.' })),
}

/** How a job is named in a request. */
export const JobRef = Type.String({ minLength: 1, maxLength: 100, description: 'Id, name or short number of a job.' })

/** A warning. */
export const Warning = named(
  'Warning',
  closed({ code: Type.String(), message: Type.String() }, 'Something that works, but perhaps not as its owner thinks.'),
)

/** A reason. */
export const Reason = named(
  'Reason',
  closed(
    { code: Type.String(), text: Type.String() },
    'Why something failed or was stopped: a code for programs, a sentence for people.',
  ),
)

/** The answer of what changed something and has nothing to tell. */
export const Nothing = Type.Null({ description: 'Done; there is nothing to tell.' })

/** A body of bytes as they are. */
export const BINARY = { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) }
