import type { Job, JobChange, Policy, Trigger, TriggerInput } from '@jobyard/client'
import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import type { Editing } from '../parts/edit-section.tsx'
import { Notice, Problem } from '../parts/problem.tsx'
import { noteJob } from './acts.ts'
import { DraftInput, DraftSelect } from './draft-input.tsx'
import { textOf } from './draft-values.ts'
import { faultsOf } from './job-editor.tsx'
import { inputOf, ScheduleField } from './schedule-field.tsx'

interface ScheduleEditorProps extends Editing {
  readonly job: Job
  /** Which of its schedules; one behind the last: another one. */
  readonly index: number
}

interface Draft {
  readonly schedule: { readonly ncrontab: string; readonly timeZone: string }
  readonly kind: Policy['misfire']['kind']
  readonly window: string
}

/** Changes a schedule of a job, or adds one, and what becomes of missed times. */
export function ScheduleEditor({ job, index, onClose, onAnew }: ScheduleEditorProps) {
  const [base] = useState(job)
  const schedules = schedulesOf(base)
  const { ncrontab, timeZone } = draftOf(schedules[index])
  const { kind, window } = base.policy.misfire
  const [draft, setDraft] = useState<Draft>({ schedule: { ncrontab, timeZone }, kind, window })
  const save = useAct({
    run: (wanted: Draft | 'gone') => jobyard.jobs.patch(job.id, changeOf(base, index, wanted)),
    done: () => `The schedule of ${job.name} was changed.`,
    quiet: true,
    after: (changed) => {
      noteJob(changed)
      onClose()
    },
  })
  const removing = save.variables === 'gone'
  return (
    <div className="padded form">
      {!save.isPending && partOf(job) !== partOf(base) && (
        <Notice tone="wait">
          <strong>Somebody has changed what starts the job meanwhile.</strong> Saving goes over it.
          <br />
          <Button variant="default" size="compact-xs" mt={6} onClick={onAnew}>
            Begin again with what is there now
          </Button>
        </Notice>
      )}
      <ScheduleField
        value={draft.schedule}
        collection={job.collection}
        onChange={(schedule) => setDraft({ ...draft, schedule })}
      />
      <MisfireFields draft={draft} onDraft={setDraft} error={save.error} />
      {save.error !== null && faultsOf(save.error)('policy.misfire') === undefined && <Problem error={save.error} />}
      <Group gap="xs">
        <Button
          loading={save.isPending && !removing}
          disabled={draft.schedule.ncrontab.trim() === ''}
          onClick={() => save.mutate(draft)}
        >
          Save
        </Button>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        {schedules[index] !== undefined && (
          <Button
            variant="subtle"
            color="red"
            c="var(--bad)"
            ml="auto"
            loading={save.isPending && removing}
            onClick={() => save.mutate('gone')}
          >
            Remove
          </Button>
        )}
      </Group>
    </div>
  )
}

const MISFIRES = {
  once: 'the latest is made up for',
  all: 'all are made up for',
  skip: 'are skipped',
}

interface MisfireFieldsProps {
  readonly draft: Draft
  readonly onDraft: (draft: Draft) => void
  readonly error: unknown
}

function MisfireFields({ draft, onDraft, error }: MisfireFieldsProps) {
  return (
    <div className="fields">
      <DraftSelect
        label="Missed times"
        description="While no server ran."
        value={draft.kind}
        onChange={(kind) => onDraft({ ...draft, kind })}
        options={MISFIRES}
      />
      {draft.kind !== 'skip' && (
        <DraftInput
          label="If no older than"
          description="Such as 10m or 2h."
          value={draft.window}
          onChange={(window) => onDraft({ ...draft, window })}
          usual="10m"
          error={faultsOf(error)('policy.misfire')}
        />
      )}
    </div>
  )
}

function schedulesOf({ triggers }: Job) {
  return triggers.filter((trigger) => trigger.type === 'schedule')
}

function partOf({ triggers, policy: { misfire } }: Job): string {
  return JSON.stringify([triggers.map(asInput), misfire])
}

function changeOf(job: Job, index: number, wanted: Draft | 'gone'): JobChange {
  const others = job.triggers.filter(({ type }) => type !== 'schedule')
  const schedules = schedulesOf(job)
  const triggersWith = (asked: readonly TriggerInput[]) => [
    ...others.map(asInput),
    ...schedules.map(asInput).toSpliced(index, 1, ...asked),
  ]
  if (wanted === 'gone') return { triggers: triggersWith([]) }
  const before = schedules[index]
  // One of the package that stays as it is stays the package's.
  const sameTime = JSON.stringify(inputOf(wanted.schedule)) === JSON.stringify(inputOf(draftOf(before)))
  const window = textOf(wanted.window)
  const misfire = { kind: wanted.kind, ...(window === null ? {} : { window }) }
  const sameMisfire = JSON.stringify(misfire) === JSON.stringify(job.policy.misfire)
  return {
    ...(sameTime ? {} : { triggers: triggersWith([inputOf(wanted.schedule)]) }),
    ...(sameMisfire ? {} : { policy: { misfire } }),
  }
}

/** A trigger as it is sent: without what only answers have. */
function asInput(trigger: Trigger): TriggerInput {
  return trigger.type === 'schedule' ? inputOf(draftOf(trigger)) : trigger
}

/** A schedule as it is written: a zone that nobody named is left empty. */
function draftOf(schedule: Schedule | undefined): Draft['schedule'] {
  if (schedule === undefined) return { ncrontab: '', timeZone: '' }
  const { ncrontab, timeZone, zone } = schedule
  return { ncrontab, timeZone: zone === 'default' ? '' : timeZone }
}

type Schedule = Extract<Trigger, { type: 'schedule' }>
