import Type, { type TSchema } from 'typebox'
import { RULE_ORIGINS } from '../../engine/kind.ts'
import { closed, duration, named, nullable, oneOf, size } from './base.ts'

const from = oneOf(
  RULE_ORIGINS,
  'Whose word it is: that of the job, of settings.job, of the app settings, of the server, or nobody’s.',
)

function counted<S extends TSchema>(value: S) {
  return closed({ value, from })
}

/** What counts for a job in the end, in an answer. */
export const EffectiveRules = named(
  'EffectiveRules',
  closed(
    {
      keepRuns: counted(Type.Integer({ description: 'Finished runs that are kept.' })),
      restart: Type.Optional(counted(duration('First wait after a short run; of continuous jobs only.'))),
      grace: Type.Optional(counted(duration('How long a run may take to end when asked to.'))),
      idleTimeout: Type.Optional(
        counted(nullable(duration('A run that neither prints nor uses CPU for so long is ended; null: never.'))),
      ),
      memory: Type.Optional(counted(nullable(size('Memory of a run; null: no limit.')))),
      processes: Type.Optional(
        counted(nullable(Type.Integer({ description: 'Processes of a run at once; null: no limit.' }))),
      ),
      stopSignal: Type.Optional(counted(oneOf(['after-grace', 'at-once'], 'When a stopping script gets SIGTERM.'))),
    },
    'What counts in the end, where the job, its package, the app settings and the server may all say something.',
  ),
)
