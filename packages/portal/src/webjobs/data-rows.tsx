import type { DataItem, Job } from '@jobyard/client'
import { ActionIcon, Tooltip } from '@mantine/core'
import { IconDownload, IconFile, IconFolder, IconTrash } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type Column, Rows } from '../parts/rows.tsx'
import { When } from '../parts/time.tsx'
import { saySize } from '../words/amounts.ts'

const COLUMNS: readonly Column[] = [
  { title: 'Name', width: 'minmax(12rem, 2fr)', narrow: 'minmax(0, 1fr)' },
  { title: 'Size', width: '7rem', narrow: '5rem' },
  { title: 'Changed', width: '8rem', wide: true },
  { title: 'Actions', width: '4.5rem', silent: true },
]
const ROW_PX = 40

interface DataRowsProps {
  readonly job: Job
  /** The folder that is shown. */
  readonly path: string
  readonly items: readonly DataItem[]
  /** Absent for whoever may not. */
  readonly onRemove: ((item: DataItem) => void) | undefined
}

/** Files and folders in a table, folders first. */
export function DataRows({ job, path, items, onRemove }: DataRowsProps) {
  const inOrder = items.toSorted((a, b) => rankOf(a) - rankOf(b) || a.name.localeCompare(b.name))
  const cells = (item: DataItem): readonly ReactNode[] => [
    <Name key="name" job={job} path={pathOf(path, item)} item={item} />,
    <span key="size" className="num quiet">
      {item.type === 'file' && saySize(item.bytes)}
    </span>,
    <span key="when" className="quiet">
      <When at={item.modifiedAt} />
    </span>,
    <div key="acts" className="row-acts">
      {item.type === 'file' && (
        <Tooltip label={`Download ${item.name}`}>
          <ActionIcon
            component="a"
            href={addressOf(job, pathOf(path, item))}
            download={item.name}
            aria-label={`Download ${item.name}`}
          >
            <IconDownload size={15} />
          </ActionIcon>
        </Tooltip>
      )}
      {onRemove !== undefined && (
        <Tooltip label={`Delete ${item.name}`}>
          <ActionIcon aria-label={`Delete ${item.name}`} onClick={() => onRemove(item)}>
            <IconTrash size={15} />
          </ActionIcon>
        </Tooltip>
      )}
    </div>,
  ]
  return (
    <Rows
      label="Files"
      columns={COLUMNS}
      items={inOrder}
      keyOf={({ type, name }) => `${type} ${name}`}
      cells={cells}
      height={ROW_PX}
    />
  )
}

function Name({ job, path, item: { name, type } }: { job: Job; path: string; item: DataItem }) {
  if (type === 'file') {
    return (
      <span className="name-cell">
        <IconFile size={15} aria-hidden className="icon" />
        <span className="cut" title={name}>
          {name}
        </span>
      </span>
    )
  }
  return (
    <span className="name-cell">
      <IconFolder size={15} aria-hidden className="icon" />
      <Link to="/webjobs/$job/data" params={{ job: job.id }} search={{ path }} title={name}>
        {name}
      </Link>
    </span>
  )
}

function rankOf({ type }: DataItem): number {
  return type === 'folder' ? 0 : 1
}

function pathOf(folder: string, { name }: Pick<DataItem, 'name'>): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** Where a file is to be had. */
function addressOf(job: Job, path: string): string {
  return `/v1/jobs/${job.id}/data/${path.split('/').map(encodeURIComponent).join('/')}`
}
