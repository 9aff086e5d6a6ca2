import type { Job, JobChange, ScriptSpec } from '@jobyard/client'
import { differing, numberOf, textOf } from './draft-values.ts'

/** The limits of a job as they are edited: texts as they are typed, empty for what is usual. */
export interface LimitsDraft {
  readonly timeout: string
  readonly idleTimeout: string
  readonly grace: string
  readonly stopSignal: 'after-grace' | 'at-once'
  readonly memory: string
  readonly processes: string
  readonly output: string
}

/** The limits of a job, to be edited. */
export function limitsDraft({ policy, spec }: Pick<Job, 'policy' | 'spec'>): LimitsDraft {
  const { idleTimeout, stopSignal, memory, processes }: ScriptSpec = spec
  return {
    timeout: policy.timeout ?? '',
    idleTimeout: idleTimeout ?? '',
    grace: policy.grace ?? '',
    stopSignal: stopSignal ?? 'after-grace',
    memory: memory ?? '',
    processes: processes === undefined ? '' : String(processes),
    output: policy.output,
  }
}

/** What a draft changes of what it began with; undefined: nothing. */
export function limitsChange(draft: LimitsDraft, before: LimitsDraft): JobChange | undefined {
  const policy = differing(policyOf(draft), policyOf(before))
  const spec = differing(specOf(draft), specOf(before))
  if (policy === undefined && spec === undefined) return undefined
  return { ...(policy === undefined ? {} : { policy }), ...(spec === undefined ? {} : { spec }) }
}

function policyOf({ timeout, grace, output }: LimitsDraft) {
  return { timeout: textOf(timeout), grace: textOf(grace), output: textOf(output) }
}

function specOf({ idleTimeout, stopSignal, memory, processes }: LimitsDraft) {
  return {
    idleTimeout: textOf(idleTimeout),
    stopSignal: stopSignal === 'after-grace' ? null : stopSignal,
    memory: textOf(memory),
    processes: numberOf(processes),
  }
}
