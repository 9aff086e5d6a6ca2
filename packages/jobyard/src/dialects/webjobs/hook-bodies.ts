import type { HookDescriber } from '../../services/hooks/describe.ts'
import type { DeploymentFacts } from '../../store/procedures/hook-causes.ts'
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
  }
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
