import type { DataItem, Job } from '@jobyard/client'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { dataQuery, queryClient } from '../app/queries.ts'
import { Ask } from '../parts/ask.tsx'

interface RemoveDataProps {
  readonly job: Job
  /** The folder that it lies in. */
  readonly path: string
  readonly item: DataItem
  readonly onClose: () => void
}

/** Deletes a file, or a folder with all that is in it, when that is asked for once more. */
export function RemoveData({ job, path, item: { name, type }, onClose }: RemoveDataProps) {
  const whole = path === '' ? name : `${path}/${name}`
  const remove = useAct({
    run: () => jobyard.data.remove(job.id, whole, type === 'folder' ? { recursive: true } : {}),
    done: () => `${name} was deleted.`,
    after: () => {
      void queryClient.invalidateQueries({ queryKey: dataQuery(job.id, path).queryKey })
      onClose()
    },
  })
  return (
    <Ask onClose={onClose} title={`Delete ${name}?`} verb="Delete" act={remove}>
      {type === 'folder' && 'All that is in the folder goes with it. '}A script that counts on it may miss it; nothing
      brings it back.
    </Ask>
  )
}
