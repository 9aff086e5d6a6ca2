import type { Job, Run } from '@jobyard/client'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { queryClient } from '../app/queries.ts'

type Named = Pick<Job, 'id' | 'name'>

/** Enters a job that the server just gave, before the live events tell of it. */
export function noteJob(job: Job): void {
  queryClient.setQueryData(['job', job.id], job)
}

/** Runs a job now; `input` is the arguments, as one would type them behind a command. */
export function useRun({ id, name }: Named, after?: (run: Run) => void) {
  return useAct<string | undefined, Run>({
    run: (args) => jobyard.runs.create(id, args === undefined || args === '' ? {} : { args }),
    done: (run) => `${name} #${run.number} was started.`,
    ...(after === undefined ? {} : { after }),
  })
}

/** Lets a job's triggers work; a continuous one begins to run. */
export function useStart({ id, name }: Named) {
  return useAct<undefined, Job>({
    run: () => jobyard.jobs.start(id),
    done: () => `${name} was started.`,
    after: noteJob,
  })
}

/** Keeps a job's triggers from working; a continuous one is stopped. */
export function useStop({ id, name }: Named) {
  return useAct<undefined, Job>({
    run: () => jobyard.jobs.stop(id),
    done: () => `${name} was stopped.`,
    after: noteJob,
  })
}
