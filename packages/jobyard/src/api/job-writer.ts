import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { JobyardError } from '../domain/errors.ts'
import type { TriggerSpec } from '../domain/model.ts'
import { nearest } from '../domain/spelling.ts'
import { DEFAULT_TIME_ZONE } from '../domain/zone.ts'
import type { Expectation, JobInput } from '../engine/jobs.ts'
import { checkJobName } from '../kinds/script/names.ts'
import type { Bearer } from '../services/auth/bearer.ts'
import { actorOf, bearerOf } from '../services/http/sender.ts'
import { saveJob, type WrittenJob } from '../services/job-saving.ts'
import type { ApiContext } from './context.ts'
import { explainFault } from './input/fault.ts'
import { readPolicy } from './input/policy.ts'
import type { JobChange, JobInput as JobInputSchema, TriggerInput } from './schemas/jobs.ts'

/** The kind of a job that names none. */
const DEFAULT_KIND = 'script'

type Change = Static<typeof JobChange>
type Target = Pick<JobInput, 'collectionId' | 'kind' | 'name'> & { readonly type?: string }

/** Saves a job that is named in the request's body, with everything said of it there. */
export async function writeNamedJob(
  context: ApiContext,
  request: FastifyRequest,
  body: Static<typeof JobInputSchema>,
  expectation: Expectation,
): Promise<WrittenJob> {
  const { collection, kind = DEFAULT_KIND, type, name, ...change } = body
  requireKind(context, kind)
  checkJobName(name)
  const { id: collectionId } = await context.directory.requireCollection(bearerOf(request), collection)
  const target = { collectionId, kind, name, ...(type === undefined ? {} : { type }) }
  return await writeJob(context, request, target, change, expectation)
}

/** Saves what is said of a job. `as` says how its package came, and what the audit log calls that; default an upload. */
export async function writeJob(
  context: ApiContext,
  request: FastifyRequest,
  target: Target,
  change: Change,
  expectation: Expectation,
  as: Pick<JobInput, 'source' | 'action'> = {},
): Promise<WrittenJob> {
  const actor = actorOf(request)
  checkSpec(context, target.kind, change.spec)
  if (change.package !== undefined) await context.directory.requirePackage(bearerOf(request), change.package)
  const stated = await readChange(context, bearerOf(request), target.collectionId, change)
  const { collectionId, kind, name, type } = target
  const named = { collectionId, kind, name, ...(type === undefined ? {} : { type }) }
  return await saveJob(context, { ...named, ...stated, ...as }, expectation, actor)
}

/** The kind completes what is sent and then checks the whole; what is sent must have a form that it can do that with. */
function checkSpec({ services }: ApiContext, kind: string, spec: Change['spec']): void {
  const change = services.kinds.get(kind)?.change
  if (change === undefined || spec === undefined || Value.Check(change, spec)) return
  throw explainFault(Type.Object({ spec: change }), { spec }, 'body')
}

async function readChange(context: ApiContext, bearer: Bearer, collectionId: string, change: Change) {
  const { spec, policy, triggers, enabled, package: packageHash } = change
  const find = (ref: string, field: string) => findOther(context, bearer, collectionId, ref, field)
  const onFailure =
    policy?.onFailure === undefined
      ? undefined
      : await Promise.all((policy.onFailure ?? []).map((ref, i) => find(ref, `policy.onFailure.${i}`)))
  return {
    ...(spec === undefined ? {} : { spec }),
    ...(policy === undefined
      ? {}
      : { policy: { ...readPolicy(policy), ...(onFailure === undefined ? {} : { onFailure }) } }),
    ...(triggers === undefined ? {} : { triggers: await readTriggers(triggers, find) }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(packageHash === undefined ? {} : { packageHash }),
  }
}

async function readTriggers(
  sent: readonly Static<typeof TriggerInput>[],
  find: (ref: string, field: string) => Promise<string>,
): Promise<TriggerSpec[]> {
  return await Promise.all(
    sent.map(async (trigger, index): Promise<TriggerSpec> => {
      switch (trigger.type) {
        case 'continuous':
          return { type: 'continuous', ...(trigger.singleton === undefined ? {} : { singleton: trigger.singleton }) }
        case 'schedule':
          return {
            type: 'schedule',
            ncrontab: trigger.ncrontab,
            timeZone: trigger.timeZone ?? DEFAULT_TIME_ZONE,
            ...(trigger.timeZone === undefined ? { zone: 'default' as const } : {}),
          }
        case 'webhook':
          return { type: 'webhook' }
        case 'after': {
          const jobId = await find(trigger.jobId, `triggers.${index}.jobId`)
          return { type: 'after', jobId, on: trigger.on ?? ['completed'] }
        }
      }
    }),
  )
}

/** The id of a job that another one names: by its id or number any, by name one in the collection of that other. */
async function findOther(
  { directory }: ApiContext,
  bearer: Bearer,
  collectionId: string,
  ref: string,
  field: string,
): Promise<string> {
  try {
    return (await directory.requireJob(bearer, ref, {}, collectionId)).id
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    throw new JobyardError(error.code, error.message, { ...error.details, field, cause: error })
  }
}

function requireKind({ services }: ApiContext, kind: string): void {
  if (services.kinds.has(kind)) return
  const known = [...services.kinds.keys()]
  const meant = nearest(kind, known)
  throw new JobyardError('kind-unknown', `There is no kind of job called ${JSON.stringify(kind)}.`, {
    field: 'kind',
    hint: meant === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`,
  })
}
