import { STATES } from '@jobyard/jobs'
import Type from 'typebox'
import { STREAMS } from '../../store/output/contract.ts'
import {
  anyJson,
  closed,
  Hash,
  Id,
  Instant,
  MaybeInstant,
  named,
  nullable,
  oneOf,
  openObject,
  pageOf,
  Reason,
} from './base.ts'

/** Why a run began. */
export const WHYS = ['manual', 'continuous', 'schedule', 'webhook', 'after', 'rerun', 'failure'] as const

const count = Type.Integer()
const Counts = named(
  'Counts',
  closed(
    {
      pending: count,
      running: count,
      blocked: count,
      disconnected: count,
      suspended: count,
      completed: count,
      failed: count,
      stopped: count,
    },
    'How many tasks are in which state, the last attempt per target only.',
  ),
)

const exitCode = nullable(Type.Integer({ description: 'Exit code of the process, if there was one.' }))
const cpuMs = nullable(Type.Number({ description: 'CPU time of all processes, in milliseconds.' }))
const peakBytes = nullable(Type.Integer({ description: 'Peak memory of all processes together, in bytes.' }))

/** A run, in an answer. */
export const Run = named(
  'Run',
  closed(
    {
      id: Id,
      job: closed({
        id: Id,
        number: Type.Integer(),
        name: Type.String(),
        kind: Type.String(),
        type: Type.String(),
      }),
      number: Type.Integer({ description: "Counts the job's runs from 1." }),
      why: oneOf(WHYS),
      detail: openObject('Particulars of the trigger: who, which schedule, after which run.'),
      args: Type.Array(Type.String()),
      state: oneOf(STATES),
      wanted: oneOf(['run', 'suspend', 'stop']),
      counts: Counts,
      package: nullable(Hash),
      scheduledFor: MaybeInstant,
      createdAt: Instant,
      startedAt: MaybeInstant,
      finishedAt: MaybeInstant,
      reason: nullable(Reason),
      exitCode,
      cpuMs,
      peakBytes,
      queued: Type.Boolean({ description: 'True while it waits for an earlier run of its job.' }),
    },
    'One execution of a job.',
  ),
)

/** A page of runs. */
export const RunPage = pageOf(Run, 'RunPage')

const text = Type.String({ maxLength: 1024 * 1024 })

/** What a run is started with. */
export const RunInput = named(
  'RunInput',
  closed({
    args: Type.Optional(
      Type.Union(
        [Type.String({ maxLength: 100_000 }), Type.Array(Type.String({ maxLength: 100_000 }), { maxItems: 1000 })],
        {
          description: 'Arguments: one text that is cut as shells do, or a list.',
          examples: [['--full', 'monday']],
        },
      ),
    ),
    payload: Type.Optional(
      closed(
        {
          contentType: Type.Optional(Type.String({ maxLength: 200 })),
          text: Type.Optional(text),
          base64: Type.Optional(text),
        },
        'A body that reaches the script as the file named in JOBYARD_PAYLOAD_FILE: `text`, or bytes as `base64`.',
      ),
    ),
  }),
)

/** A task, in an answer. */
export const Task = named(
  'Task',
  closed(
    {
      id: Id,
      runId: Id,
      target: Type.String(),
      attempt: Type.Integer(),
      state: oneOf(STATES),
      detail: anyJson('Whatever the kind notes of the task.'),
      notBefore: MaybeInstant,
      parkedUntil: MaybeInstant,
      reason: nullable(Reason),
      result: anyJson('What the task gave.'),
      exitCode,
      cpuMs,
      peakBytes,
      createdAt: Instant,
      startedAt: MaybeInstant,
      finishedAt: MaybeInstant,
    },
    'One attempt of a run at one target.',
  ),
)

/** A page of tasks. */
export const TaskPage = pageOf(Task, 'TaskPage')

const OutputEntry = named(
  'OutputEntry',
  closed(
    {
      seq: Type.Integer({ description: "Place in the task's log, from 1." }),
      time: Instant,
      stream: oneOf(STREAMS),
      text: Type.Optional(Type.String({ description: 'The bytes, when they are valid UTF-8.' })),
      base64: Type.Optional(Type.String({ description: 'The bytes, when they are not.' })),
    },
    'What arrived at one moment on one stream.',
  ),
)

/** A page of a task's output. */
export const OutputPage = named(
  'OutputPage',
  closed({
    items: Type.Array(OutputEntry),
    firstSeq: Type.Integer({ description: 'Seq of the oldest entry still kept.' }),
    lastSeq: Type.Integer({ description: 'Seq of the newest entry; 0 when there is none.' }),
    bytes: Type.Integer({ description: 'Bytes that arrived in all, dropped ones included.' }),
    dropped: Type.Integer({ description: 'Bytes dropped by the cap.' }),
    ended: Type.Boolean({ description: 'True when nothing more will come.' }),
    next: nullable(Type.Integer({ description: 'Give it back as `after` for the next page.' })),
  }),
)
