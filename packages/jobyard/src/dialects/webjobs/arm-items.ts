import type { RunOutline } from '../../store/procedures/outline-jobs.ts'
import type { JobName, Links } from './links.ts'
import { type JobShape, showJob, showRun, type WebJob } from './shapes.ts'

/** Where an answer lies in Azure Resource Manager. */
export interface ArmPlace {
  /** The path of what is answered, or of the list that it stands in. */
  readonly path: string
  readonly location: string
}

/** One thing as Azure Resource Manager shows it. */
export interface ArmItem {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly location: string
  readonly properties: Readonly<Record<string, unknown>>
}

/** Puts properties into the form of an item; in a list, `name` is its own, which the path of the list lacks. */
export function armItem({ path, location }: ArmPlace, properties: ArmItem['properties'], name?: string): ArmItem {
  const id = name === undefined ? path : `${path}/${name}`
  return { id, ...nameOf(id), location, properties }
}

/** The parts behind `Microsoft.Web` in turn belong to the type and to the name: `sites/SHOP/triggeredwebjobs/REPORT`. */
function nameOf(id: string): { name: string; type: string } {
  const parts = id.split('/').filter((part) => part !== '')
  const begin = parts.findIndex((part) => part.toLowerCase() === 'microsoft.web')
  const behind = parts.slice(begin + 1)
  const types = behind.filter((_part, index) => index % 2 === 0)
  const names = behind.filter((_part, index) => index % 2 === 1)
  return { name: names.join('/'), type: ['Microsoft.Web', ...types].join('/') }
}

/** A job's properties, in Kudu's names and in those of Azure's own clients. */
export function armJob(job: WebJob, links: Links, now: number): ArmItem['properties'] {
  const shape: JobShape = showJob(job, links, now)
  const { latestRun } = job
  return {
    ...shape,
    ...(latestRun === null ? {} : { latest_run: armRunShape(latestRun, job, links, now) }),
    web_job_id: job.name,
    web_job_name: job.name,
    web_job_type: job.type === 'continuous' ? 'Continuous' : 'Triggered',
  }
}

/** A run's properties, in the same way; Azure's clients look for the run in a list of its own. */
export function armRun(run: RunOutline, job: JobName, links: Links, now: number): ArmItem['properties'] {
  const shape = armRunShape(run, job, links, now)
  return { ...shape, runs: [shape] }
}

function armRunShape(run: RunOutline, job: JobName, links: Links, now: number) {
  const shape = showRun(run, job, links, now)
  return { ...shape, web_job_id: shape.id, web_job_name: shape.job_name }
}
