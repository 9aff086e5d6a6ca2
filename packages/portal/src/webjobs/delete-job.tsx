import type { Job } from '@jobyard/client'
import { useAct } from '../app/act.ts'
import { withJob } from '../app/changes.ts'
import { jobyard } from '../app/client.ts'
import { jobsQuery, queryClient } from '../app/queries.ts'
import { Ask } from '../parts/ask.tsx'

interface DeleteJobProps {
  readonly job: Pick<Job, 'id' | 'name' | 'state'>
  readonly onClose: () => void
  readonly after?: () => void
}

/** Deletes a job, after its name has been typed once more. */
export function DeleteJob({ job: { id, name, state }, onClose, after }: DeleteJobProps) {
  const remove = useAct({
    run: () => jobyard.jobs.remove(id),
    done: () => `${name} was deleted.`,
    after: () => {
      queryClient.setQueryData(jobsQuery.queryKey, (jobs) => jobs && withJob(jobs, id, null))
      onClose()
      after?.()
    },
  })
  return (
    <Ask onClose={onClose} title={`Delete ${name}?`} verb="Delete" name={name} act={remove}>
      Its packages, its history and all output go with it, for good.
      {state === 'running' && ' What runs is stopped.'}
    </Ask>
  )
}
