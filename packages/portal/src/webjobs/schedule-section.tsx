import type { Job, Trigger } from '@jobyard/client'
import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { useMay } from '../app/may.ts'
import { nextQuery, previewQuery } from '../app/queries.ts'
import { Section } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { sayNcrontab } from '../words/schedule.ts'
import { noteJob } from './acts.ts'
import { Occurrences } from './occurrences.tsx'
import { ScheduleField } from './schedule-field.tsx'

type Schedule = Extract<Trigger, { type: 'schedule' }>

/** When a job runs, and how that is changed. */
export function ScheduleSection({ job }: { job: Job }) {
  const may = useMay('deployer')
  const [editing, setEditing] = useState(false)
  if (job.type === 'continuous') return null
  const schedules = job.triggers.filter((trigger) => trigger.type === 'schedule')
  const editable = may && schedules.length < 2
  return (
    <Section
      title="Schedule"
      aside={
        editable &&
        !editing && (
          <Button variant="default" size="compact-xs" onClick={() => setEditing(true)}>
            {schedules.length === 0 ? 'Add' : 'Change'}
          </Button>
        )
      }
    >
      {editing ? (
        <Editor job={job} schedule={schedules[0]} onClose={() => setEditing(false)} />
      ) : (
        <Shown job={job} schedules={schedules} />
      )}
    </Section>
  )
}

function Shown({ job, schedules }: { job: Job; schedules: readonly Schedule[] }) {
  const { data: next } = useQuery({ ...nextQuery(job.id, JSON.stringify(schedules)), enabled: schedules.length > 0 })
  if (schedules.length === 0) return <p className="nothing">None: it runs when somebody asks.</p>
  return (
    <div className="padded">
      {schedules.map((schedule) => (
        <ScheduleText key={schedule.ncrontab + schedule.timeZone} {...schedule} />
      ))}
      {!job.enabled && <p className="quiet">The job is stopped: its schedule stands still.</p>}
      {next !== undefined && <Occurrences items={next} />}
    </div>
  )
}

function ScheduleText({ ncrontab, timeZone, origin }: Schedule) {
  const { data } = useQuery(previewQuery(ncrontab, timeZone))
  return (
    <p>
      <code>{ncrontab}</code> <span className="quiet">{timeZone}</span>
      <br />
      {data !== undefined && sayNcrontab(data.normalised)}
      {origin === 'package' && <span className="quiet"> (from settings.job of the package)</span>}
    </p>
  )
}

function Editor({ job, schedule, onClose }: { job: Job; schedule: Schedule | undefined; onClose: () => void }) {
  const [value, setValue] = useState({ ncrontab: schedule?.ncrontab ?? '', timeZone: schedule?.timeZone ?? 'UTC' })
  const others = job.triggers.filter(({ type }) => type !== 'schedule')
  const save = useAct({
    run: (triggers: readonly Trigger[]) => jobyard.jobs.patch(job.id, { triggers: triggers.map(asInput) }),
    done: () => `The schedule of ${job.name} was changed.`,
    quiet: true,
    after: (changed) => {
      noteJob(changed)
      onClose()
    },
  })
  return (
    <div className="padded">
      {save.error !== null && <Problem error={save.error} />}
      <ScheduleField value={value} onChange={setValue} />
      <Group mt="md" gap="xs">
        <Button
          loading={save.isPending}
          disabled={value.ncrontab.trim() === ''}
          onClick={() => save.mutate([...others, { type: 'schedule', ...value }])}
        >
          Save
        </Button>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        {schedule !== undefined && (
          <Button variant="subtle" color="red" c="var(--bad)" ml="auto" onClick={() => save.mutate(others)}>
            Remove
          </Button>
        )}
      </Group>
    </div>
  )
}

/** A trigger as it is sent: without what only answers have. */
function asInput(trigger: Trigger) {
  if (trigger.type !== 'schedule') return trigger
  const { type, ncrontab, timeZone } = trigger
  return { type, ncrontab, timeZone }
}
