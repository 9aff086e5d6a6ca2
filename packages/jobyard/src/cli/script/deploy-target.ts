import { type Job, type JobInput, type JobScope, type Jobyard, JobyardProblem } from '@jobyard/client'
import { JobyardError } from '../../domain/errors.ts'
import { type DeployOptions, typeOf } from './deploy-input.ts'
import { scopeOf } from './options.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Names the job that a deployment is for: the one that is there under the name, number or id given, in the collection that
 * is named, if one is; else a new one of that name. Throws 'job-ambiguous', 'job-unknown' for an id that no job has, and
 * 'usage-invalid' for a job that is of another type than was asked for.
 */
export async function findTarget(jobyard: Jobyard, options: DeployOptions): Promise<Partial<JobInput>> {
  const { name: given } = options
  const { type: _type, ...scope } = scopeOf(options)
  const { type: wanted } = typeOf(options)
  const found = await findJob(jobyard, given, wanted === undefined ? scope : { ...scope, type: wanted })
  if (found !== undefined) return { name: found.name, collection: found.collection, type: found.type }
  if (wanted !== undefined) await refuseOtherType(jobyard, given, scope, wanted)
  // An id is no name for a new job: this tells what is known of it.
  if (UUID.test(given)) await jobyard.jobs.get(given, scope)
  return {}
}

async function findJob(jobyard: Jobyard, given: string, scope: JobScope): Promise<Job | undefined> {
  try {
    return await jobyard.jobs.get(given, scope)
  } catch (error) {
    if (error instanceof JobyardProblem && error.code === 'job-unknown') return undefined
    throw error
  }
}

/** Types do not change, and whoever gives the number or id of a job does not want a new one of that name. */
async function refuseOtherType(jobyard: Jobyard, given: string, scope: JobScope, wanted: string): Promise<void> {
  const other = await findJob(jobyard, given, scope)
  if (other !== undefined && other.name.toLowerCase() !== given.toLowerCase()) throw otherType(given, other, wanted)
}

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
