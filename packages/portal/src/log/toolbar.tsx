import { ActionIcon, Button, TextInput, Tooltip } from '@mantine/core'
import {
  IconArrowDownToArc,
  IconChevronDown,
  IconChevronUp,
  IconClock,
  IconDownload,
  IconSearch,
  IconTextWrap,
} from '@tabler/icons-react'
import type { KeyboardEvent } from 'react'
import { sayCount } from '../words/amounts.ts'

/** Searching in the output. */
interface SearchState {
  readonly term: string
  readonly found: number
  /** Which of those found is in sight, from 1; 0 when none is. */
  readonly place: number
  readonly find: (term: string) => void
  readonly go: (step: number) => void
}

interface LogToolbarProps {
  readonly lines: number
  readonly live: boolean
  readonly connected: boolean
  readonly search: SearchState
  readonly withTime: boolean
  readonly onTime: (withTime: boolean) => void
  readonly wrap: boolean
  readonly onWrap: (wrap: boolean) => void
  readonly following: boolean
  readonly onFollowing: (following: boolean) => void
  readonly download: string
  readonly fileName: string
}

/** What helps to read an output. */
export function LogToolbar(props: LogToolbarProps) {
  const { lines, live, connected, search, withTime, onTime, wrap, onWrap, following, onFollowing, download, fileName } =
    props
  const connection = connected ? 'Live' : 'Connecting again…'
  return (
    <div className="log-tools">
      <span className="state" data-tone={live ? (connected ? 'good' : 'wait') : 'quiet'}>
        <span className="dot" aria-hidden />
        {live ? connection : 'Complete'}
      </span>
      <span className="quiet num count">{sayCount(lines, 'line')}</span>
      <Search {...search} />
      <Switch label="Times" tip="When each line came (UTC)" icon={IconClock} on={withTime} onChange={onTime} />
      <Switch label="Wrap" tip="Long lines go on in the next row" icon={IconTextWrap} on={wrap} onChange={onWrap} />
      {live && (
        <Button
          variant={following ? 'filled' : 'default'}
          aria-pressed={following}
          leftSection={<IconArrowDownToArc size={15} />}
          onClick={() => onFollowing(!following)}
        >
          Follow
        </Button>
      )}
      <Button
        component="a"
        href={download}
        download={fileName}
        variant="default"
        leftSection={<IconDownload size={15} />}
      >
        Download
      </Button>
    </div>
  )
}

interface SwitchProps {
  readonly label: string
  readonly tip: string
  readonly icon: typeof IconClock
  readonly on: boolean
  readonly onChange: (on: boolean) => void
}

function Switch({ label, tip, icon: Icon, on, onChange }: SwitchProps) {
  return (
    <Tooltip label={tip}>
      <ActionIcon
        variant={on ? 'filled' : 'default'}
        color="indigo"
        aria-pressed={on}
        aria-label={label}
        onClick={() => onChange(!on)}
      >
        <Icon size={15} />
      </ActionIcon>
    </Tooltip>
  )
}

function Search({ term, found, place, find, go }: SearchState) {
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') go(event.shiftKey ? -1 : 1)
    if (event.key === 'Escape') find('')
  }
  return (
    <search className="log-search">
      <TextInput
        size="xs"
        aria-label="Search in the output"
        placeholder="Search"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={term}
        onChange={(event) => find(event.currentTarget.value)}
        onKeyDown={key}
      />
      {term !== '' && (
        <>
          <span className="quiet num" role="status">
            {place} of {found}
          </span>
          <ActionIcon variant="default" aria-label="Found before" onClick={() => go(-1)} disabled={found === 0}>
            <IconChevronUp size={14} />
          </ActionIcon>
          <ActionIcon variant="default" aria-label="Found next" onClick={() => go(1)} disabled={found === 0}>
            <IconChevronDown size={14} />
          </ActionIcon>
        </>
      )}
    </search>
  )
}
