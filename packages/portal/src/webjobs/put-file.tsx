import type { DataItem, Job } from '@jobyard/client'
import { Button, FileButton } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { dataQuery, queryClient } from '../app/queries.ts'
import { Ask } from '../parts/ask.tsx'

interface PutFileProps {
  readonly job: Job
  /** The folder that it is put into. */
  readonly path: string
  /** What lies there. */
  readonly items: readonly DataItem[]
}

/** Puts a file into a folder; one of the same name is replaced when that is asked for once more. */
export function PutFile({ job, path, items }: PutFileProps) {
  const [asking, setAsking] = useState<File>()
  const [share, setShare] = useState(0)
  const put = useAct({
    run: (file: File) => {
      setShare(0)
      const onProgress = (sent: number): void => setShare(file.size === 0 ? 100 : Math.floor((100 * sent) / file.size))
      const whole = path === '' ? file.name : `${path}/${file.name}`
      return jobyard.data.put(job.id, whole, file, {}, { onProgress })
    },
    done: ({ name }) => `${name} was put there.`,
    after: () => {
      setAsking(undefined)
      void queryClient.invalidateQueries({ queryKey: dataQuery(job.id, path).queryKey })
    },
  })
  const take = (file: File | null): void => {
    if (file === null) return
    if (items.some(({ name }) => name === file.name)) setAsking(file)
    else put.mutate(file)
  }
  return (
    <>
      <FileButton onChange={take}>
        {(props) => (
          <Button {...props} variant="default" leftSection={<IconUpload size={15} />} disabled={put.isPending}>
            {put.isPending ? `Sending, ${Math.min(100, share)} %` : 'Add a file'}
          </Button>
        )}
      </FileButton>
      {asking !== undefined && (
        <Ask
          onClose={() => setAsking(undefined)}
          title={`Replace ${asking.name}?`}
          verb="Replace"
          act={{ isPending: put.isPending, mutate: () => put.mutate(asking) }}
        >
          There is something of this name already. What is in it now is lost.
        </Ask>
      )}
    </>
  )
}
