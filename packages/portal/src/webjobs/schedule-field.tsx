import { JobyardProblem } from '@jobyard/client'
import { Autocomplete, Menu, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { previewQuery, zoneQuery } from '../app/queries.ts'
import { Notice } from '../parts/problem.tsx'
import { sayNcrontab } from '../words/schedule.ts'
import { Occurrences } from './occurrences.tsx'

/** A schedule as it is being written. */
export interface ScheduleInput {
  readonly ncrontab: string
  /** Empty: that of the collection. */
  readonly timeZone: string
}

/** What is sent of a schedule: an empty zone is left out, so that it stays that of the collection. */
export function inputOf({ ncrontab, timeZone }: ScheduleInput) {
  const zone = timeZone.trim()
  return { type: 'schedule', ncrontab, ...(zone === '' ? {} : { timeZone: zone }) } as const
}

const EXAMPLES: readonly (readonly [ncrontab: string, text: string])[] = [
  ['0 */5 * * * *', 'Every 5 minutes'],
  ['0 0 * * * *', 'Every hour'],
  ['0 30 2 * * *', 'At 02:30 every day'],
  ['0 0 9 * * MON-FRI', 'At 09:00, Monday to Friday'],
  ['0 0 0 1 * *', 'At midnight on the first of the month'],
]
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone
/** So long nobody types, in milliseconds, before the server is asked. */
const PAUSE_MS = 200

interface ScheduleFieldProps {
  readonly value: ScheduleInput
  /** The collection that the job is in, or is to be in. */
  readonly collection: string | undefined
  readonly onChange: (value: ScheduleInput) => void
}

/** An NCRONTAB with its meaning in words, its next occurrences, and its faults pointed at. */
export function ScheduleField({ value, collection, onChange }: ScheduleFieldProps) {
  const [asked] = useDebouncedValue(value, PAUSE_MS)
  const { data, error } = useQuery(previewQuery(asked.ncrontab, asked.timeZone, collection))
  const { data: usual } = useQuery(zoneQuery(collection))
  const problem = error instanceof JobyardProblem && asked.ncrontab.trim() !== '' ? error : undefined
  const ofZone = problem?.field === 'timeZone'
  return (
    <div className="schedule-field">
      <TextInput
        label="NCRONTAB"
        description="{second} {minute} {hour} {day} {month} {day of week}"
        placeholder="0 30 2 * * *"
        value={value.ncrontab}
        onChange={(event) => onChange({ ...value, ncrontab: event.currentTarget.value })}
        error={problem !== undefined && !ofZone && <Fault text={asked.ncrontab} problem={problem} />}
        rightSection={<Examples onPick={(ncrontab) => onChange({ ...value, ncrontab })} />}
        rightSectionWidth={86}
        classNames={{ input: 'mono' }}
        autoComplete="off"
        spellCheck={false}
      />
      <Autocomplete
        label="Time zone"
        description={`Empty: that of the collection${usual === undefined ? '' : `, ${usual}`}.${HERE === 'UTC' ? '' : ` You are in ${HERE}.`}`}
        {...(usual === undefined ? {} : { placeholder: usual })}
        data={ZONES}
        limit={30}
        value={value.timeZone}
        onChange={(timeZone) => onChange({ ...value, timeZone })}
        error={ofZone && problem.detail}
      />
      {problem === undefined && data !== undefined && asked.ncrontab.trim() !== '' && (
        <div className="preview" aria-live="polite">
          <p className="in-words">{sayNcrontab(data.normalised) ?? data.normalised}</p>
          {data.warnings.map(({ message }) => (
            <Notice key={message} tone="wait">
              {message}
            </Notice>
          ))}
          <Occurrences items={data.occurrences} />
        </div>
      )}
    </div>
  )
}

/** The text with its first wrong character marked, and what is wrong with it. */
function Fault({ text, problem: { detail, hint, position } }: { text: string; problem: JobyardProblem }) {
  return (
    <span className="fault">
      {position !== undefined && (
        <code>
          {text.slice(0, position)}
          <mark>{text.slice(position, position + 1) || ' '}</mark>
          {text.slice(position + 1)}
        </code>
      )}
      <span>{detail}</span>
      {hint !== undefined && <span className="quiet">{hint}</span>}
    </span>
  )
}

function Examples({ onPick }: { onPick: (ncrontab: string) => void }) {
  return (
    <Menu>
      <Menu.Target>
        <UnstyledButton className="examples">Examples</UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {EXAMPLES.map(([ncrontab, text]) => (
          <Menu.Item key={ncrontab} onClick={() => onPick(ncrontab)} rightSection={<code>{ncrontab}</code>}>
            {text}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
