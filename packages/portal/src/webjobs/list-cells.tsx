import type { Job } from '@jobyard/client'
import { ActionIcon, Menu, Tooltip } from '@mantine/core'
import {
  IconAlertTriangle,
  IconDots,
  IconHistory,
  IconPlayerPlay,
  IconPlayerStop,
  IconSettings,
  IconTerminal,
  IconTrash,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { jobLink, propertiesLink, runLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { deploymentsQuery } from '../app/queries.ts'
import { Took, When } from '../parts/time.tsx'
import { useRun, useStart, useStop } from './acts.ts'
import { DeleteJob } from './delete-job.tsx'
import { useFolder } from './folder.tsx'
import { RunWithArguments } from './run-with-arguments.tsx'

/** Name of a job, and a sign when there is something to know about it. */
export function NameCell({ job, withCollection }: { job: Job; withCollection: boolean }) {
  const [warning] = job.warnings
  return (
    <span className="name-cell">
      <span className="name-lines">
        <Link {...jobLink(job)} title={job.name}>
          {job.name}
        </Link>
        <small className="quiet narrow cut">
          {sayType(job)}
          {withCollection && ` · ${job.collection}`}
        </small>
      </span>
      {withCollection && <small className="quiet only-wide">{job.collection}</small>}
      {warning !== undefined && (
        <Tooltip label={warning.message} multiline maw={320}>
          <span role="img" aria-label={`Warning: ${warning.message}`} className="warn">
            <IconAlertTriangle size={14} />
          </span>
        </Tooltip>
      )}
    </span>
  )
}

/** What sort of job it is. */
export function TypeCell({ job }: { job: Job }) {
  return <span>{sayType(job)}</span>
}

function sayType({ type, triggers }: Job): string {
  if (type === 'continuous') return 'Continuous'
  return triggers.some((each) => each.type === 'schedule') ? 'Scheduled' : 'Triggered'
}

/** When the latest run was, and how long it took or has been taking. */
export function LastRun({ job: { latestRun } }: { job: Job }) {
  if (latestRun === null) return <span className="quiet">Never ran</span>
  const { id, job, startedAt, createdAt, finishedAt } = latestRun
  const live = startedAt !== null && finishedAt === null
  return (
    <span className="last-run">
      <Link {...runLink({ id, job })}>{live ? 'Running for' : <When at={startedAt ?? createdAt} />}</Link>
      <span className={live ? '' : 'quiet'}>
        <Took from={startedAt} to={finishedAt} />
      </span>
    </span>
  )
}

/** When the job falls due next. */
export function NextRun({ job: { nextDue, enabled } }: { job: Job }) {
  return enabled && nextDue !== null ? <When at={nextDue} /> : <span className="quiet">–</span>
}

/** The one thing that is mostly wanted of a job: to run it, to start it, or to stop it. */
export function QuickAct({ job }: { job: Job }) {
  const may = useMay('operator')
  const [run, start, stop] = [useRun(job), useStart(job), useStop(job)]
  if (!may) return null
  const continuous = job.type === 'continuous'
  const [label, act, Icon] = continuous
    ? job.enabled
      ? (['Stop', stop, IconPlayerStop] as const)
      : (['Start', start, IconPlayerPlay] as const)
    : (['Run', run, IconPlayerPlay] as const)
  return (
    <Tooltip label={`${label} ${job.name}`}>
      <ActionIcon
        aria-label={`${label} ${job.name}`}
        variant="default"
        loading={act.isPending}
        onClick={() => act.mutate(undefined)}
      >
        <Icon size={15} />
      </ActionIcon>
    </Tooltip>
  )
}

/** Offers to delete a job; off for one that its collection's folder would bring back. */
function DeleteItem({ job, onClick }: { job: Job; onClick: () => void }) {
  const folder = useFolder(job.collection)
  const { data: deployments } = useQuery({ ...deploymentsQuery(job.id, job.package), enabled: folder !== undefined })
  const fromFolder = folder !== undefined && deployments?.[0]?.source === 'folder'
  return (
    <>
      <Menu.Item
        {...(fromFolder ? {} : { c: 'var(--bad)' })}
        leftSection={<IconTrash size={15} />}
        disabled={fromFolder}
        onClick={onClick}
      >
        Delete…
      </Menu.Item>
      {fromFolder && <Menu.Label>It comes from a folder: delete it there.</Menu.Label>}
    </>
  )
}

/** Everything else that can be done with a job. */
export function JobMenu({ job, onDeleted }: { job: Job; onDeleted?: () => void }) {
  const [operate, deploy] = [useMay('operator'), useMay('deployer')]
  const [open, setOpen] = useState<'run' | 'delete'>()
  const [start, stop] = [useStart(job), useStop(job)]
  const triggered = job.type === 'triggered'
  const close = (): void => setOpen(undefined)
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={`More about ${job.name}`}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconHistory size={15} />}
            renderRoot={(props) => <Link {...props} {...jobLink(job)} />}
          >
            History
          </Menu.Item>
          <Menu.Item
            leftSection={<IconSettings size={15} />}
            renderRoot={(props) => <Link {...props} {...propertiesLink(job)} />}
          >
            Properties
          </Menu.Item>
          {operate && triggered && (
            <Menu.Item leftSection={<IconTerminal size={15} />} onClick={() => setOpen('run')}>
              Run with arguments…
            </Menu.Item>
          )}
          {operate && triggered && (
            <Menu.Item
              leftSection={job.enabled ? <IconPlayerStop size={15} /> : <IconPlayerPlay size={15} />}
              onClick={() => (job.enabled ? stop : start).mutate(undefined)}
            >
              {job.enabled ? 'Stop its triggers' : 'Start its triggers'}
            </Menu.Item>
          )}
          {deploy && <Menu.Divider />}
          {deploy && <DeleteItem job={job} onClick={() => setOpen('delete')} />}
        </Menu.Dropdown>
      </Menu>
      {open === 'run' && <RunWithArguments job={job} onClose={close} />}
      {open === 'delete' && (
        <DeleteJob job={job} onClose={close} {...(onDeleted === undefined ? {} : { after: onDeleted })} />
      )}
    </>
  )
}
