import Type from 'typebox'
import {
  CollectionRef,
  closed,
  Hash,
  HashInput,
  Id,
  Instant,
  MaybeInstant,
  named,
  nullable,
  oneOf,
  openObject,
  pageOf,
  Warning,
  wholeOf,
} from './base.ts'
import { EffectiveRules } from './effective.ts'
import { Policy, PolicyInput } from './policy.ts'
import { Run } from './runs.ts'

const ENDS = ['completed', 'failed', 'stopped'] as const
const SCHEDULE = 'Six fields: `{second} {minute} {hour} {day} {month} {day of week}`.'

/** What starts a job, in an answer. */
export const Trigger = named(
  'Trigger',
  Type.Union(
    [
      closed({ type: Type.Literal('continuous'), singleton: Type.Boolean() }),
      closed({
        type: Type.Literal('schedule'),
        ncrontab: Type.String({ description: SCHEDULE }),
        timeZone: Type.String({ description: 'IANA name.' }),
        zone: Type.Optional(
          oneOf(['default'], 'Nobody named a zone: it is that of the collection. Absent: somebody did.'),
        ),
        nextDue: MaybeInstant,
        origin: Type.Optional(
          oneOf(['package'], 'It came with the package and goes with it. Absent: somebody set it.'),
        ),
      }),
      closed({ type: Type.Literal('webhook') }),
      closed({ type: Type.Literal('after'), jobId: Id, on: Type.Array(oneOf(ENDS)) }),
    ],
    { description: 'What starts a job, besides somebody asking.' },
  ),
)

/** What starts a job, as it is sent. */
export const TriggerInput = named(
  'TriggerInput',
  Type.Union(
    [
      closed(
        {
          type: Type.Literal('continuous'),
          singleton: Type.Optional(Type.Boolean({ description: 'True: on one instance only. Default false.' })),
        },
        'Runs for ever: it is started when it is created, and again when it ends.',
      ),
      closed(
        {
          type: Type.Literal('schedule'),
          ncrontab: Type.String({ maxLength: 1000, description: SCHEDULE, examples: ['0 30 2 * * *'] }),
          timeZone: Type.Optional(
            Type.String({
              maxLength: 100,
              description: 'IANA name, or that of Windows. Default: as app settings say, else UTC.',
            }),
          ),
        },
        'Runs when it falls due.',
      ),
      closed(
        { type: Type.Literal('webhook') },
        'Others may start it with a password of its own. Leaving it out takes no webhook away: only DELETE does.',
      ),
      closed(
        {
          type: Type.Literal('after'),
          jobId: Type.String({ minLength: 1, maxLength: 100, description: 'Id, name or number of the job before.' }),
          on: Type.Optional(
            Type.Array(oneOf(ENDS), { minItems: 1, maxItems: 3, description: 'Default: `completed` alone.' }),
          ),
        },
        'Runs after the end of a run of another job.',
      ),
    ],
    { description: 'What starts a job, besides somebody asking.' },
  ),
)

const CHANGE = {
  spec: Type.Optional(
    openObject('What to do, as the kind has it. Merged into what is there; null takes a member away (RFC 7396).'),
  ),
  policy: Type.Optional(PolicyInput),
  triggers: Type.Optional(Type.Array(TriggerInput, { maxItems: 20, description: 'All triggers from now on.' })),
  enabled: Type.Optional(Type.Boolean({ description: 'False: no trigger starts it; a continuous one is stopped.' })),
  package: Type.Optional(HashInput),
}

/** What can be changed of a job. */
export const JobChange = named('JobChange', closed(CHANGE, 'What is left out stays as it is.'))

/** A job as it is created, or changed by name. */
export const JobInput = named(
  'JobInput',
  closed(
    {
      collection: Type.Optional(CollectionRef),
      kind: Type.Optional(Type.String({ minLength: 1, maxLength: 50, description: 'Default `script`.' })),
      type: Type.Optional(Type.String({ minLength: 1, maxLength: 50, description: "Default: the kind's first." })),
      name: Type.String({
        maxLength: 1000,
        description: 'A letter or digit, then letters, digits, `-` and `_`; at most 100 characters.',
        examples: ['nightly-backup'],
      }),
      ...CHANGE,
    },
    'What is left out takes its default in a new job and stays as it is in another.',
  ),
)

const Place = named(
  'JobPlace',
  closed(
    {
      place: Type.String({ description: "The instance's name, or `*` for a singleton." }),
      runId: nullable(Id),
      startedAt: MaybeInstant,
      restartAt: MaybeInstant,
      quickEnds: Type.Integer({ description: 'Runs in a row that ended within two minutes of their start.' }),
      starts: Type.Integer(),
      crashLoop: Type.Boolean(),
    },
    'Where a continuous job runs, or when it runs again.',
  ),
)

/** What a job as a whole is doing. */
export const JOB_STATES = ['running', 'waiting', 'stopped', 'crash-loop', 'idle', 'restarting'] as const

/** A job, in an answer. */
export const Job = named(
  'Job',
  closed({
    id: Id,
    number: Type.Integer({ description: 'Short number that people use.' }),
    collection: Type.String({ description: 'Name of its collection.' }),
    kind: Type.String(),
    type: Type.String(),
    name: Type.String(),
    spec: openObject('What to do, as the kind has it, without secret values.'),
    policy: Policy,
    effective: EffectiveRules,
    triggers: Type.Array(Trigger),
    enabled: Type.Boolean(),
    package: nullable(Hash),
    version: Type.Integer({ description: 'Grows with every change.' }),
    warnings: Type.Array(Warning),
    createdAt: Instant,
    updatedAt: Instant,
    latestRun: nullable(Run),
    nextDue: MaybeInstant,
    places: Type.Optional(Type.Array(Place, { description: 'Of continuous jobs only.' })),
    state: oneOf(JOB_STATES, 'What the job as a whole is doing.'),
  }),
)

/** A page of jobs. */
export const JobPage = pageOf(Job, 'JobPage')

/** Which package to go back to. */
export const RollbackInput = named(
  'RollbackInput',
  closed({
    package: Type.Optional(HashInput),
    steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, description: 'So many packages back. Default 1.' })),
  }),
)

const Deployment = named(
  'Deployment',
  closed({
    number: Type.Integer(),
    hash: Hash,
    source: Type.String({ description: 'How it came: `upload`, `kudu`, `folder` or another word for people.' }),
    deployedBy: Type.String(),
    deployedAt: Instant,
    files: Type.Integer(),
    bytes: Type.Integer(),
    current: Type.Boolean({ description: 'Whether it is what the job runs now.' }),
  }),
)

/** The packages that a job keeps. */
export const Deployments = wholeOf(Deployment, 'Deployments')

const PastOccurrence = named(
  'PastOccurrence',
  closed({
    due: Instant,
    outcome: oneOf(['ran', 'skipped', 'missed']),
    reason: nullable(Type.String()),
    runId: nullable(Id),
    more: Type.Integer({ description: 'Missed occurrences before this one that are too many to be listed.' }),
  }),
)

/** A page of occurrences that have passed. */
export const PastOccurrencePage = pageOf(PastOccurrence, 'PastOccurrencePage')
