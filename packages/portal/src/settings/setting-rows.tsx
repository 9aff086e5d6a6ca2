import type { AppSetting } from '@jobyard/client'
import { ActionIcon, Tooltip } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconLock, IconPencil, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { statusQuery } from '../app/queries.ts'
import { type Column, Rows } from '../parts/rows.tsx'
import { When } from '../parts/time.tsx'
import { sayEffect } from '../words/steering.ts'

const COLUMNS: readonly Column[] = [
  { title: 'Name', width: 'minmax(12rem, 1.2fr)', narrow: 'minmax(0, 1fr)' },
  { title: 'Value', width: 'minmax(8.5rem, 1fr)', wide: true },
  { title: 'Slot', width: '7rem', wide: true },
  { title: 'Changed', width: '8rem', wide: true },
  { title: 'Actions', width: '4.5rem', silent: true },
]
const READ_ONLY = COLUMNS.slice(0, -1)
const ROW_PX = 52
/** On narrow screens the value stands below the name. */
const NARROW_ROW_PX = 70
const NARROW = '(max-width: 48rem)'

interface SettingRowsProps {
  readonly settings: readonly AppSetting[]
  /** Absent for whoever may not. */
  readonly onEdit: ((setting: AppSetting) => void) | undefined
  readonly onRemove: (setting: AppSetting) => void
  readonly foot: ReactNode
}

/** Settings in a table. */
export function SettingRows({ settings, onEdit, onRemove, foot }: SettingRowsProps) {
  const slot = useQuery(statusQuery).data?.slot
  const narrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false })
  const cells = (setting: AppSetting) => [
    <NameCell key="name" setting={setting} slot={slot} narrow={narrow} />,
    <ValueCell key="value" setting={setting} />,
    <SlotCell key="slot" setting={setting} here={slot} />,
    <span key="when" className="quiet cut">
      <When at={setting.updatedAt} /> {setting.updatedBy}
    </span>,
    onEdit !== undefined && (
      <div key="acts" className="row-acts">
        <RowAct label={`Change ${setting.name}`} onClick={() => onEdit(setting)}>
          <IconPencil size={15} />
        </RowAct>
        <RowAct label={`Remove ${setting.name}`} onClick={() => onRemove(setting)}>
          <IconTrash size={15} />
        </RowAct>
      </div>
    ),
  ]
  return (
    <Rows
      key={String(narrow)}
      label="App settings"
      columns={onEdit === undefined ? READ_ONLY : COLUMNS}
      items={settings}
      keyOf={({ name }) => name}
      cells={cells}
      height={narrow ? NARROW_ROW_PX : ROW_PX}
      foot={foot}
    />
  )
}

function RowAct({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  )
}

interface NameCellProps {
  readonly setting: AppSetting
  /** The slot of the server; undefined while that is not known. */
  readonly slot: string | undefined
  readonly narrow: boolean
}

/** The name, and what the setting has the server do on this slot. */
function NameCell({ setting, slot: here, narrow }: NameCellProps) {
  const { name, value, slot: of, warning } = setting
  const effect = warning === null ? sayEffect(name, value) : { tone: 'bad', text: warning }
  const elsewhere = of !== null && here !== undefined && of !== here
  const shown = effect !== undefined && elsewhere ? { tone: 'quiet', text: `Only on the slot ${of}.` } : effect
  return (
    <span className="two-lines">
      <span className="cut">
        <code title={name}>{name}</code>
        {narrow && of !== null && <small className="quiet"> {of}</small>}
      </span>
      {narrow && <ValueCell setting={setting} />}
      {shown !== undefined && (
        <small className="cut tone" data-tone={shown.tone} title={shown.text}>
          {shown.text}
        </small>
      )}
    </span>
  )
}

function ValueCell({ setting: { value, secret } }: { setting: AppSetting }) {
  if (secret) {
    return (
      <span className="secret quiet">
        <IconLock size={13} aria-hidden /> secret
      </span>
    )
  }
  if (value === null) return <span className="quiet">hidden</span>
  if (value.trim() === '') return <span className="quiet">{value === '' ? 'empty' : 'only blanks'}</span>
  return (
    <code className="cut block" title={value}>
      {value}
    </code>
  )
}

function SlotCell({ setting: { slot }, here }: { setting: AppSetting; here: string | undefined }) {
  if (slot === null) return <span className="quiet">all</span>
  return (
    <span className="cut">
      {slot}
      {here !== undefined && slot !== here && <span className="quiet"> (not here)</span>}
    </span>
  )
}
