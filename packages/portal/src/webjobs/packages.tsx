import type { Deployment, Job, WatchedFolder } from '@jobyard/client'
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { useMay } from '../app/may.ts'
import { deploymentsQuery, jobQuery } from '../app/queries.ts'
import { Loading, Section } from '../parts/page.tsx'
import { Empty, Problem } from '../parts/problem.tsx'
import { When } from '../parts/time.tsx'
import { sayCount, sayHash, saySize } from '../words/amounts.ts'
import { noteJob } from './acts.ts'
import { FolderNotice, useFolder } from './folder.tsx'
import { PackageField, type Upload } from './package-field.tsx'

const route = getRouteApi('/shell/webjobs/$job')

/** What was deployed to a job, going back to it, and deploying anew. */
export function Packages() {
  const { job: id } = route.useParams()
  const { data: job } = useQuery(jobQuery(id))
  const may = useMay('deployer')
  const folder = useFolder(job?.collection)
  if (job === undefined) return <Loading />
  return (
    <>
      {folder !== undefined && <FolderNotice folder={folder} />}
      {may && <Redeploy job={job} folder={folder} />}
      <Deployments job={job} mayRollBack={may} folder={folder} />
    </>
  )
}

function Redeploy({ job, folder }: { job: Job; folder: WatchedFolder | undefined }) {
  const [upload, setUpload] = useState<Upload>({ state: 'none' })
  const deploy = useAct({
    run: (hash: string) => jobyard.jobs.patch(job.id, { package: hash }),
    done: () => `${job.name} has a new package.`,
    after: (changed) => {
      noteJob(changed)
      setUpload({ state: 'none' })
    },
  })
  return (
    <Section title="Deploy anew">
      <div className="padded stack">
        <PackageField upload={upload} onUpload={setUpload} disabled={folder !== undefined} />
        <p className="quiet">Settings and history stay. Runs that have begun end with the package they began with.</p>
        {upload.state === 'done' && (
          <Button loading={deploy.isPending} onClick={() => deploy.mutate(upload.info.hash)}>
            Deploy {upload.file.name}
          </Button>
        )}
      </div>
    </Section>
  )
}

interface DeploymentsProps {
  readonly job: Job
  readonly mayRollBack: boolean
  readonly folder: WatchedFolder | undefined
}

function Deployments({ job, mayRollBack, folder }: DeploymentsProps) {
  const { data, error, refetch } = useQuery(deploymentsQuery(job.id, job.package))
  const back = useAct({
    run: (deployment: Deployment) => jobyard.jobs.rollback(job.id, { package: deployment.hash }),
    done: (_, { number }) => `${job.name} runs package ${number} again.`,
    after: noteJob,
  })
  if (error !== null) return <Problem error={error} again={() => void refetch()} />
  if (data === undefined) return <Loading />
  if (data.length === 0) return <Empty title="Nothing was deployed yet." />
  return (
    <Section title="Packages">
      <ul className="items">
        {data.map((each) => (
          <li key={each.number}>
            <div>
              <span>
                <b className="num">{each.number}</b> <code>{sayHash(each.hash)}</code>{' '}
                {each.current && (
                  <span className="state soft" data-tone="good">
                    Current
                  </span>
                )}
              </span>
              <p className="quiet">
                {sayCount(each.files, 'file')}, {saySize(each.bytes)}; {each.source} by {each.deployedBy}
              </p>
            </div>
            <div className="item-side">
              <When at={each.deployedAt} />
              {mayRollBack && !each.current && (
                <Button
                  variant="default"
                  size="compact-xs"
                  disabled={folder !== undefined}
                  loading={back.isPending && back.variables === each}
                  onClick={() => back.mutate(each)}
                >
                  Go back to this
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  )
}
