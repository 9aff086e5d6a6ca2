import { type Job, type JobInput, type Jobyard, JobyardProblem } from '@jobyard/client'
import { JobyardError } from '../../domain/errors.ts'
import { type DeployOptions, typeOf } from './deploy-input.ts'
import { scopeOf } from './options.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Names the job that a deployment is for: the one that is there under the name, number or id given, else a new one of that
 * name. Throws 'job-ambiguous', 'job-unknown' for an id that no job has, and 'usage-invalid' for a job that is of another
 * type than was asked for.
 */
export async function findTarget(jobyard: Jobyard, options: DeployOptions): Promise<Partial<JobInput>> {
  const { name: given } = options
  const type = typeOf(options)
  const found = await findJob(jobyard, given, { ...scopeOf(options), ...type })
  if (found === undefined) return {}
  const { name, collection } = found
  if (type.type !== undefined && type.type !== found.type) throw otherType(given, found, type.type)
  return { name, collection, type: found.type }
}

async function findJob(jobyard: Jobyard, given: string, scope: ReturnType<typeof scopeOf>): Promise<Job | undefined> {
  try {
    return await jobyard.jobs.get(given, scope)
  } catch (error) {
    if (error instanceof JobyardProblem && error.code === 'job-unknown' && !UUID.test(given)) return undefined
    throw error
  }
}

/** By its number or id a job is found whatever its type is, and types do not change. */
function otherType(given: string, { name, type }: Job, wanted: string): JobyardError {
  return new JobyardError('usage-invalid', `The job ${given} is the ${type} job ${name}, not a ${wanted} one.`, {
    field: '--name',
    hint: `Leave out what makes it ${wanted}, or name a new job: a triggered and a continuous one may have the same name.`,
  })
}

/** What commands must say to mean this job and no other. */
export async function sayJob(jobyard: Jobyard, { name, type, collection }: Job): Promise<string> {
  const where = collection === 'default' ? '' : ` --collection ${collection}`
  try {
    await jobyard.jobs.get(name, { kind: 'script', collection })
    return `${name}${where}`
  } catch (error) {
    if (!(error instanceof JobyardProblem) || error.code !== 'job-ambiguous') throw error
    return `${name} --type ${type}${where}`
  }
}
