import type { RunRow } from '../../domain/model.ts'
import type { DeploymentFacts } from '../../store/procedures/hook-causes.ts'
import type { HookEvent } from '../../store/procedures/hooks.ts'
import type { JobBrief } from '../../store/procedures/read-jobs.ts'

/** Makes the bodies of calls: how a run or a deployment is told is a matter of a dialect. Each answers a whole JSON text. */
export interface HookDescriber {
  /** A run that has ended. `collection` is the name of its collection. */
  describeRun(run: RunRow, job: JobBrief, collection: string): string | Promise<string>
  /** A package that a job goes with from now on. */
  describeDeployment(deployment: DeploymentFacts, collection: string): string | Promise<string>
  /** Something of the kind that a hook is called for, made up at a moment, in epoch milliseconds. */
  describeExample(event: HookEvent, collection: string, at: number): string | Promise<string>
}
