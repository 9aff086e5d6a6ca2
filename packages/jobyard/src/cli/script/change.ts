import type { Deployment, Job, Jobyard } from '@jobyard/client'
import { JobyardError } from '../../domain/errors.ts'
import { answer } from '../answer.ts'
import { confirm } from '../ask.ts'
import { connect } from '../connection.ts'
import type { Terminal } from '../terminal.ts'
import { sayHash } from '../wording.ts'
import { type RemoveOptions, type RollbackOptions, readCount, type ScopeOptions, scopeOf } from './options.ts'

/** Lets the triggers of a job work. */
export async function startScript(terminal: Terminal, name: string, options: ScopeOptions): Promise<void> {
  const job = await (await connect(terminal, options)).jobs.start(name, scopeOf(options))
  await answer(terminal, options, job, `${job.name} is started; it is ${job.state}.`)
}

/** Keeps the triggers of a job from working. */
export async function stopScript(terminal: Terminal, name: string, options: ScopeOptions): Promise<void> {
  const job = await (await connect(terminal, options)).jobs.stop(name, scopeOf(options))
  await answer(terminal, options, job, `${job.name} is stopped; nothing starts it until \`jobyard script start\`.`)
}

/** Goes back to an earlier package. */
export async function rollbackScript(terminal: Terminal, name: string, options: RollbackOptions): Promise<void> {
  const steps = options.steps === undefined ? undefined : readCount(options.steps, '--steps', 1, 10)
  const jobyard = await connect(terminal, options)
  const job = await jobyard.jobs.get(name, scopeOf(options))
  const hash = options.to === undefined ? undefined : await findPackage(jobyard, job, options.to)
  const to = { ...(hash === undefined ? {} : { package: hash }), ...(steps === undefined ? {} : { steps }) }
  const changed = await jobyard.jobs.rollback(job.id, to)
  await answer(terminal, options, changed, `${changed.name} is back at package ${sayHash(changed.package)}.`)
}

async function findPackage(jobyard: Jobyard, job: Job, beginning: string): Promise<string> {
  const deployments = await jobyard.jobs.packages(job.id)
  const fits = ({ hash }: Deployment): boolean => hash.startsWith(beginning.toLowerCase())
  const hashes = new Set(deployments.filter(fits).map(({ hash }) => hash))
  const [hash] = hashes
  if (hash !== undefined && hashes.size === 1) return hash
  const message =
    hash === undefined
      ? `${job.name} has no package ${beginning} any more.`
      : `${beginning} is the beginning of ${hashes.size} packages of ${job.name}.`
  throw new JobyardError('package-unknown', message, {
    hint: `See \`jobyard script show ${job.name}\` for its packages.`,
  })
}

/** Deletes a job. */
export async function removeScript(terminal: Terminal, name: string, options: RemoveOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const job = await jobyard.jobs.get(name, scopeOf(options))
  if (options.yes !== true && !(await confirm(terminal, `Delete the job ${job.name} with all its history?`))) {
    throw new JobyardError('usage-invalid', `The job ${job.name} was not deleted.`, {
      hint: 'Add --yes to delete it without being asked.',
    })
  }
  await jobyard.jobs.remove(job.id)
  await answer(terminal, options, { id: job.id, name: job.name, removed: true }, `Deleted the job ${job.name}.`)
}
