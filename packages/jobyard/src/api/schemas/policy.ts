import Type from 'typebox'
import { closed, duration, Id, named, nullable, oneOf, size } from './base.ts'

const OVERLAP = ['forbid', 'queue', 'skip', 'replace', 'allow'] as const
const MISFIRE = ['skip', 'once', 'all'] as const
const CRASH = ['fail', 'retry'] as const

const attempts = Type.Integer({ minimum: 1, maximum: 1000, description: 'Attempts in all, the first one counted too.' })
const FACTOR = { minimum: 1, maximum: 100, description: 'By which each wait is longer than the one before.' }
const JITTER = { minimum: 0, maximum: 1, description: 'Share of the delay that is drawn by lot.' }
const factor = Type.Number(FACTOR)
const jitter = Type.Number(JITTER)
const none = closed({ kind: Type.Literal('none') })
const fixed = closed({ kind: Type.Literal('fixed'), attempts, delay: duration('Wait before each further attempt.') })
const EXPONENTIAL = { kind: Type.Literal('exponential'), attempts, delay: duration('First wait.') }

/** When a failed attempt is followed by another, in an answer. */
export const Retry = named(
  'Retry',
  Type.Union(
    [
      none,
      fixed,
      closed({
        ...EXPONENTIAL,
        factor,
        maxDelay: duration('Longest wait.'),
        jitter,
      }),
    ],
    { description: 'When a failed attempt is followed by another.' },
  ),
)

const RetryInput = named(
  'RetryInput',
  Type.Union(
    [
      none,
      fixed,
      closed({
        ...EXPONENTIAL,
        factor: Type.Optional(Type.Number({ ...FACTOR, description: `${FACTOR.description} Default 2.` })),
        maxDelay: Type.Optional(duration('Longest wait. Default 1h.')),
        jitter: Type.Optional(Type.Number({ ...JITTER, description: `${JITTER.description} Default 0.2.` })),
      }),
    ],
    { description: 'When a failed attempt is followed by another. Default: never.' },
  ),
)

const restart = { delay: duration('Wait after a run that was shorter than two minutes.') }
const backoff = closed(
  { factor, max: duration('Longest wait.') },
  'When given, the wait grows with every short run in a row.',
)

/** The numbers and words of a policy that are the same in requests and answers. */
const PLAIN = {
  overlap: oneOf(OVERLAP, 'What happens to a trigger that comes while a run is not finished.'),
  queueDepth: Type.Integer({ minimum: 1, maximum: 100_000, description: 'How many runs may wait with `queue`.' }),
  onCrash: oneOf(CRASH, 'What becomes of a task whose instance died.'),
  maxCrashes: Type.Integer({
    minimum: 0,
    maximum: 1000,
    description: 'How often a crash may lead to another attempt.',
  }),
  keepRuns: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Finished runs that are kept.' }),
  parallel: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Tasks of one run that are worked on at once.' }),
}

const timeout = nullable(duration('How long one attempt may take; null: for ever.'))
const keepAge = nullable(duration('How long a finished run is kept; null: for ever.'))
const grace = nullable(duration('How long a task may take to end when asked to stop; null: as its kind has it.'))
const output = size('Output kept per task.')

/** The rules of a job, in an answer. */
export const Policy = named(
  'Policy',
  closed(
    {
      ...PLAIN,
      retry: Retry,
      timeout,
      misfire: closed({ kind: oneOf(MISFIRE), window: duration('How far back missed occurrences are still run.') }),
      keepAge,
      onFailure: Type.Array(Id, { description: 'Jobs of which a run is started when a run fails.' }),
      restart: closed({ ...restart, backoff: Type.Optional(backoff) }),
      grace,
      output,
    },
    'The rules of a job.',
  ),
)

/** The rules of a job as they are sent: what is left out stays as it is, null takes the default. */
export const PolicyInput = named(
  'PolicyInput',
  closed(
    {
      overlap: Type.Optional(nullable(PLAIN.overlap)),
      queueDepth: Type.Optional(nullable(PLAIN.queueDepth)),
      onCrash: Type.Optional(nullable(PLAIN.onCrash)),
      maxCrashes: Type.Optional(nullable(PLAIN.maxCrashes)),
      keepRuns: Type.Optional(nullable(PLAIN.keepRuns)),
      parallel: Type.Optional(nullable(PLAIN.parallel)),
      retry: Type.Optional(nullable(RetryInput)),
      timeout: Type.Optional(timeout),
      misfire: Type.Optional(
        nullable(
          closed(
            { kind: oneOf(MISFIRE), window: Type.Optional(duration('How far back; default 10m.')) },
            'What becomes of occurrences that fell due while nobody was there to run them.',
          ),
        ),
      ),
      keepAge: Type.Optional(keepAge),
      onFailure: Type.Optional(
        nullable(
          Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
            maxItems: 20,
            description: 'Jobs (id, name or number) of which a run is started when a run fails.',
          }),
        ),
      ),
      restart: Type.Optional(
        nullable(
          closed({ ...restart, backoff: Type.Optional(backoff) }, "When a continuous job's process is started again."),
        ),
      ),
      grace: Type.Optional(grace),
      output: Type.Optional(nullable(output)),
    },
    'The rules of a job. What is left out stays as it is; null takes the default.',
  ),
)
