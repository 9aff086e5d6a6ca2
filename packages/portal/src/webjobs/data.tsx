import type { DataItem, Job } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '../app/may.ts'
import { dataQuery, jobQuery } from '../app/queries.ts'
import { Loading } from '../parts/page.tsx'
import { Empty, Problem } from '../parts/problem.tsx'
import { DataRows } from './data-rows.tsx'
import { PutFile } from './put-file.tsx'
import { RemoveData } from './remove-data.tsx'

const route = getRouteApi('/shell/webjobs/$job/data')

/** What a job keeps in its data folder, folder by folder. */
export function Data() {
  const { job: id } = route.useParams()
  const { path = '' } = route.useSearch()
  const { data: job } = useQuery(jobQuery(id))
  if (job === undefined) return <Loading />
  // What is being done in one folder ends with the look into another.
  return <Folder key={path} job={job} path={path} />
}

function Folder({ job, path }: { job: Job; path: string }) {
  const may = useMay('deployer')
  const { data, error, refetch } = useQuery(dataQuery(job.id, path))
  const [removing, setRemoving] = useState<DataItem>()
  return (
    <>
      <div className="data-head">
        <Way job={job} path={path} />
        {may && data !== undefined && <PutFile job={job} path={path} items={data} />}
      </div>
      {error !== null && <Problem error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Loading rows={6} />}
      {data !== undefined && data.length > 0 && (
        <DataRows job={job} path={path} items={data} onRemove={may ? setRemoving : undefined} />
      )}
      {data?.length === 0 && <Nothing top={path === ''} />}
      {removing !== undefined && (
        <RemoveData job={job} path={path} item={removing} onClose={() => setRemoving(undefined)} />
      )}
    </>
  )
}

/** The folders from the top to here. */
function Way({ job, path }: { job: Job; path: string }) {
  const parts = path.split('/').filter((part) => part !== '')
  return (
    <nav aria-label="Folders" className="way">
      <Link to="/webjobs/$job/data" params={{ job: job.id }} search={{}}>
        data
      </Link>
      {parts.map((part, index) => {
        const to = parts.slice(0, index + 1).join('/')
        return (
          <span key={to}>
            {' / '}
            <Link to="/webjobs/$job/data" params={{ job: job.id }} search={{ path: to }}>
              {part}
            </Link>
          </span>
        )
      })}
    </nav>
  )
}

function Nothing({ top }: { top: boolean }) {
  if (!top) return <Empty title="The folder is empty." />
  return (
    <Empty title="It keeps nothing yet.">
      <p>
        What a script writes into the folder that <code>WEBJOBS_DATA_PATH</code> names stays over runs and deployments,
        and is shown here.
      </p>
    </Empty>
  )
}
