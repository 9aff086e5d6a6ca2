import Type from 'typebox'
import { ROLES } from '../../store/procedures/tokens.ts'
import {
  CollectionRef,
  closed,
  duration,
  Id,
  Instant,
  instantInput,
  MaybeInstant,
  named,
  nullable,
  oneOf,
  openObject,
  pageOf,
  Warning,
} from './base.ts'

const NAME = 'A letter or digit, then letters, digits, `-` and `_`; at most 100 characters.'

/** Who the token belongs to. */
export const Me = named(
  'Me',
  closed(
    {
      name: Type.String(),
      role: oneOf(ROLES),
      collection: nullable(Type.String({ description: 'The only collection that the token is good for; null: all.' })),
      version: Type.String({ description: 'Version of the server.' }),
    },
    'Who the token belongs to.',
  ),
)

/** A browser that was signed in. */
export const Session = named(
  'Session',
  closed(
    {
      name: Type.String(),
      role: oneOf(ROLES),
      collection: nullable(Type.String({ description: 'The only collection that the token is good for; null: all.' })),
      version: Type.String({ description: 'Version of the server.' }),
      expiresAt: Instant,
    },
    'A browser that was signed in, and until when.',
  ),
)

/** What the server is and how busy it is. */
export const Status = named(
  'Status',
  closed({
    instance: Type.String(),
    slot: Type.String({ description: 'The deployment slot that the server belongs to.' }),
    version: Type.String(),
    uptime: duration('How long the server has been running.'),
    load: Type.Integer({ description: 'Runs that are worked on now.' }),
    concurrency: Type.Integer({ description: 'Runs that may be worked on at a time.' }),
    limits: closed({ memory: Type.String(), processes: Type.String(), notes: Type.Array(Type.String()) }),
    dataFolder: Type.Optional(Type.String({ description: 'For admins only.' })),
    database: oneOf(['sqlite', 'postgres']),
  }),
)

/** A group of jobs. */
export const Collection = named(
  'Collection',
  closed({ id: Id, name: Type.String(), createdAt: Instant }, 'A group of jobs.'),
)

/** A page of collections. */
export const CollectionPage = pageOf(Collection, 'CollectionPage')

/** A collection to be made. */
export const CollectionInput = named(
  'CollectionInput',
  closed({ name: Type.String({ maxLength: 1000, description: NAME }) }),
)

const TOKEN = {
  id: Id,
  name: Type.String(),
  role: oneOf(ROLES),
  collection: nullable(Type.String({ description: 'The only collection that it is good for; null: all.' })),
  createdBy: Type.String(),
  createdAt: Instant,
  expiresAt: MaybeInstant,
  revokedAt: MaybeInstant,
  lastUsedAt: MaybeInstant,
}

/** A page of tokens. */
export const TokenPage = pageOf(named('Token', closed(TOKEN, 'A token; of its secret nothing.')), 'TokenPage')

/** A new token. */
export const NewToken = named('NewToken', closed({ ...TOKEN, token: Type.String({ description: 'Shown this once.' }) }))

/** A token to be made. */
export const TokenInput = named(
  'TokenInput',
  closed({
    name: Type.String({ maxLength: 1000, description: NAME }),
    role: oneOf(ROLES, 'Each may do what the later ones may.'),
    collection: Type.Optional({
      ...CollectionRef,
      description: 'Name or id of the only collection that it is to be good for. Default: all.',
    }),
    expiresIn: Type.Optional(duration('Default: it does not expire.')),
  }),
)

/** A page of the audit log. */
export const AuditPage = pageOf(
  named(
    'AuditEntry',
    closed({
      id: Id,
      time: Instant,
      actor: Type.String(),
      role: Type.String(),
      address: nullable(Type.String()),
      action: Type.String({ examples: ['job.create'] }),
      targetType: Type.String(),
      targetId: nullable(Type.String()),
      targetName: nullable(Type.String()),
      collection: nullable(Type.String({ description: 'Name of the collection, or its id when it is gone.' })),
      detail: openObject('Particulars.'),
    }),
  ),
  'AuditPage',
)

/** A webhook, with its password. */
export const Webhook = named(
  'Webhook',
  closed({
    url: Type.String({ description: 'Where to POST to.' }),
    user: Type.String({ description: 'A user name to send; any other will do.' }),
    password: Type.String(),
  }),
)

/** The shortest and the longest password of a webhook, in characters. */
export const PASSWORD_LENGTH = { minLength: 16, maxLength: 200 }

/** A password to be set. */
export const WebhookInput = named(
  'WebhookInput',
  closed({
    password: Type.Optional(
      Type.String({
        ...PASSWORD_LENGTH,
        pattern: '^[\\x21-\\x7e]*$',
        writeOnly: true,
        description: 'Letters, digits and signs of ASCII, no blanks. Default: a random one.',
      }),
    ),
  }),
)

/** What came of calling a webhook. */
export const WebhookAnswer = named(
  'WebhookAnswer',
  closed({
    runId: nullable(Id),
    number: nullable(Type.Integer({ description: 'Number of the run.' })),
    queued: Type.Boolean(),
    skipped: Type.Boolean({ description: 'True: the job skips triggers while it runs, and no run was made.' }),
  }),
)

const Occurrence = named(
  'Occurrence',
  closed({
    utc: Instant,
    local: Type.String({ description: "Local time in the schedule's zone.", examples: ['2026-11-21T03:00:00'] }),
    offset: Type.String({ description: 'Local time minus UTC then.', examples: ['+01:00'] }),
  }),
)

/** Occurrences to come. */
export const Occurrences = named('Occurrences', closed({ occurrences: Type.Array(Occurrence) }))

/** The most occurrences that are listed at once. */
export const MOST_OCCURRENCES = 1000

/** How many occurrences to list. */
export const Count = Type.Integer({ minimum: 1, maximum: MOST_OCCURRENCES, description: 'Default 10.' })

/** What to preview. */
export const PreviewInput = named(
  'PreviewInput',
  closed({
    ncrontab: Type.String({
      maxLength: 1000,
      description: 'Six fields: `{second} {minute} {hour} {day} {month} {day of week}`.',
      examples: ['0 30 2 * * *'],
    }),
    from: Type.Optional(instantInput('Only occurrences after it. Default: now.')),
    until: Type.Optional(instantInput('Only occurrences before it.')),
    count: Type.Optional(Count),
    timeZone: Type.Optional(
      Type.String({ maxLength: 100, description: 'IANA name, or that of Windows. Default: see `collection`.' }),
    ),
    collection: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Name or id of the collection whose zone counts where none is named. Default: none, and so UTC.',
      }),
    ),
  }),
)

/** When a schedule falls due. */
export const Preview = named(
  'Preview',
  closed({
    occurrences: Type.Array(Occurrence),
    warnings: Type.Array(Warning),
    normalised: Type.String({ description: 'The schedule as it was understood.' }),
    timeZone: Type.String({ description: 'IANA name of the zone that counted.' }),
  }),
)
