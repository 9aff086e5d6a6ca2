import type { Job, Policy, Trigger } from '@jobyard/client'
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '../app/may.ts'
import { nextQuery, previewQuery, settingsQuery, statusQuery } from '../app/queries.ts'
import { useEditFocus } from '../parts/edit-focus.ts'
import { Section } from '../parts/page.tsx'
import { Notice } from '../parts/problem.tsx'
import { sayNcrontab } from '../words/schedule.ts'
import { steeringOf } from '../words/steering.ts'
import { Occurrences } from './occurrences.tsx'
import { ScheduleEditor } from './schedule-editor.tsx'
import { isHeld } from './standing.tsx'

type Schedule = Extract<Trigger, { type: 'schedule' }>

/** When a job runs, and how that is changed. */
export function ScheduleSection({ job }: { job: Job }) {
  const may = useMay('deployer')
  // Which of the schedules is being changed; one behind the last: another one.
  const [editing, setEditing] = useState<number>()
  const [round, setRound] = useState(0)
  const { button, form } = useEditFocus(may && editing !== undefined ? round + 1 : 0)
  if (job.type === 'continuous') return null
  const schedules = job.triggers.filter((trigger) => trigger.type === 'schedule')
  const only = schedules.length === 1
  return (
    <Section
      title="Schedule"
      aside={
        may &&
        editing === undefined && (
          <Button
            ref={button}
            variant="default"
            size="compact-xs"
            onClick={() => setEditing(only ? 0 : schedules.length)}
          >
            {only ? 'Change' : 'Add'}
          </Button>
        )
      }
    >
      {may && editing !== undefined ? (
        <div ref={form} key={round}>
          <ScheduleEditor
            job={job}
            index={editing}
            onClose={() => setEditing(undefined)}
            onAnew={() => setRound(round + 1)}
          />
        </div>
      ) : (
        <Shown job={job} schedules={schedules} onEdit={may ? setEditing : undefined} />
      )}
    </Section>
  )
}

interface ShownProps {
  readonly job: Job
  readonly schedules: readonly Schedule[]
  /** Absent for whoever may not. */
  readonly onEdit: ((index: number) => void) | undefined
}

function Shown({ job, schedules, onEdit }: ShownProps) {
  const { data: next } = useQuery({ ...nextQuery(job.id, JSON.stringify(schedules)), enabled: schedules.length > 0 })
  if (schedules.length === 0) return <p className="nothing">None: it runs when somebody asks.</p>
  const several = schedules.length > 1
  return (
    <div className="padded shown">
      {schedules.map((schedule, index) => (
        <ScheduleText
          key={schedule.ncrontab + schedule.timeZone}
          schedule={schedule}
          onEdit={several && onEdit !== undefined ? () => onEdit(index) : undefined}
        />
      ))}
      <p className="quiet">{sayMisfire(job.policy.misfire)}</p>
      {onEdit !== undefined && !several && (
        <Button variant="subtle" size="compact-xs" ml={-8} onClick={() => onEdit(1)}>
          Another schedule
        </Button>
      )}
      <Standstill job={job} />
      {next !== undefined && <Occurrences items={next} />}
    </div>
  )
}

/** What becomes of times that nobody was there for, in words. */
function sayMisfire({ kind, window }: Policy['misfire']): string {
  if (kind === 'skip') return 'Missed times are skipped.'
  const which =
    kind === 'once' ? 'The latest missed time is made up for, if it is' : 'All missed times are made up for that are'
  return `${which} no older than ${window}.`
}

/** Why its times pass and nothing runs. */
function Standstill({ job }: { job: Job }) {
  // That all jobs are stopped is told at the top of the page.
  const still = job.enabled && !isHeld(job) && job.nextDue === null
  const { data: settings } = useQuery({ ...settingsQuery(job.collection), enabled: still })
  const here = useQuery({ ...statusQuery, enabled: still }).data?.slot
  if (!job.enabled) return <p className="quiet">The job is stopped: its schedule stands still.</p>
  const cause = settings?.find(({ name, value, slot }) => {
    const steers = steeringOf(name)?.name === 'WEBJOBS_DISABLE_SCHEDULE' && (value === null || isOn(value))
    return steers && (slot === null || slot === here)
  })
  if (!still || cause === undefined) return null
  return (
    <Notice tone="wait">
      It stands still: the app setting <code>{cause.name}</code> of the collection says so.{' '}
      <Link to="/app-settings" search={{ collection: job.collection }}>
        App settings
      </Link>
    </Notice>
  )
}

function isOn(value: string): boolean {
  return ['1', 'true'].includes(value.trim().toLowerCase())
}

function ScheduleText({ schedule, onEdit }: { schedule: Schedule; onEdit: (() => void) | undefined }) {
  const { ncrontab, timeZone, zone, origin } = schedule
  const { data } = useQuery(previewQuery(ncrontab, timeZone, undefined))
  return (
    <p className="schedule-text">
      <span>
        <code>{ncrontab}</code>{' '}
        <span className="quiet">
          {timeZone}
          {zone === 'default' && ', the zone of the collection'}
        </span>
        <br />
        {data !== undefined && sayNcrontab(data.normalised)}
        {origin === 'package' && <span className="quiet"> (from settings.job of the package)</span>}
      </span>
      {onEdit !== undefined && (
        <Button variant="default" size="compact-xs" aria-label={`Change ${ncrontab}`} onClick={onEdit}>
          Change
        </Button>
      )}
    </p>
  )
}
