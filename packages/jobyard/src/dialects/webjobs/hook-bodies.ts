import type { HookDescriber } from '../../services/hooks/describe.ts'
import type { DeploymentFacts } from '../../store/procedures/hook-causes.ts'
import type { RunOutline } from '../../store/procedures/outline-jobs.ts'
import { Links } from './links.ts'
import { showDate, UNSET_DATE } from './net-time.ts'
import { showRun } from './shapes.ts'

/**
 * Tells hooks of runs and deployments in Kudu's words (https://github.com/projectkudu/kudu/wiki/Web-hooks): indented, and
 * without members that say nothing. `base` gives the origin of addresses, without a slash at its end.
 */
export function describeForHooks(base: () => string): HookDescriber {
  return {
    describeRun(run, job) {
      const end = run.finishedAt ?? run.createdAt
      return indented(showRun(run, job, new Links(base()), end))
    },
    describeDeployment: (deployment, collection) =>
      indented(showDeployment(deployment, collection, new URL(base()).host)),
    describeExample(event, collection, at) {
      if (event === 'deployed') return this.describeDeployment({ ...DEPLOYMENT, deployedAt: at }, collection)
      const begun = at - 1000
      // Ids begin with the time of their making, and no more of them is told.
      const id = begun.toString(16).padStart(12, '0')
      const run = { ...RUN, id, createdAt: begun, startedAt: begun, finishedAt: at }
      return indented(showRun(run, EXAMPLE, new Links(base()), at))
    },
  }
}

/** The job that examples tell of. */
const EXAMPLE = { name: 'example', type: 'triggered' } as const

const RUN: Omit<RunOutline, 'id' | 'createdAt' | 'startedAt' | 'finishedAt'> = {
  number: 1,
  state: 'completed',
  reasonCode: null,
  why: 'manual',
  detail: { userAgent: 'Jobyard (a trial of the hook)' },
}

const DEPLOYMENT: Omit<DeploymentFacts, 'deployedAt'> = {
  jobId: '',
  jobName: EXAMPLE.name,
  jobType: EXAMPLE.type,
  // That of no bytes at all, which is no package's.
  hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  source: 'upload',
  deployedBy: 'a trial of the hook',
}

/** Only what succeeded is a deployment here, and it is done in one moment. */
function showDeployment(
  { hash, deployedBy, deployedAt, source, ...job }: DeploymentFacts,
  siteName: string,
  hostName: string,
) {
  const time = showDate(deployedAt)
  return {
    id: hash,
    status: 'success',
    statusText: '',
    author: deployedBy,
    message: `Deployed the ${job.jobType} WebJob ${job.jobName}.`,
    deployer: source,
    receivedTime: time,
    startTime: time,
    endTime: time,
    lastSuccessEndTime: time,
    complete: true,
    siteName,
    hostName,
  }
}

/** A JSON text for hooks: members with null, false, zero, or a date that is not set are left out. */
export function indented(value: object): string {
  const empty = (member: unknown) => member === null || member === false || member === 0 || member === UNSET_DATE
  const told = Object.entries(value).filter(([, member]) => !empty(member))
  return JSON.stringify(Object.fromEntries(told), undefined, 2)
}
