import type { Job, JobScope, Jobyard, Run } from '@jobyard/client'
import { JobyardError } from '../domain/errors.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const JOB_AND_NUMBER = /^([^/]+)\/(\d{1,15})$/

/** The run that people name by its id or as `report/12`. */
export async function findRun(jobyard: Jobyard, name: string, scope: JobScope): Promise<Run> {
  if (UUID.test(name)) return await jobyard.runs.get(name)
  const [, job, number] = JOB_AND_NUMBER.exec(name) ?? []
  if (job === undefined || number === undefined) {
    throw new JobyardError('usage-invalid', `"${name}" names no run.`, {
      hint: 'Give its id, or its job and number such as report/12; see `jobyard run list`.',
    })
  }
  return await findRunByNumber(jobyard, await jobyard.jobs.get(job, scope), Number(number))
}

/** A job's run by its number. Runs are listed newest first, so the search ends at the first smaller number. */
export async function findRunByNumber(jobyard: Jobyard, job: Job, number: number): Promise<Run> {
  for await (const run of jobyard.runs.list({ job: job.id }, { pageSize: 500 })) {
    if (run.number === number) return run
    if (run.number < number) break
  }
  throw new JobyardError('run-unknown', `The job ${job.name} has no run ${number}, or it is not kept any longer.`, {
    hint: `See \`jobyard script runs ${job.name}\`.`,
  })
}

/** A run as people name it. */
export function nameOf(run: Pick<Run, 'job' | 'number'>): string {
  return `${run.job.name}/${run.number}`
}
