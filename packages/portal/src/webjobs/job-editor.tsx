import { type Job, type JobChange, JobyardProblem } from '@jobyard/client'
import { Button, Group } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import type { Editing } from '../parts/edit-section.tsx'
import { Notice, Problem } from '../parts/problem.tsx'
import { noteJob } from './acts.ts'

/** What is wrong with the field at a path such as `policy.timeout`, or below it; undefined: nothing that is known. */
export type FaultAt = (path: string) => string | undefined

interface JobEditorProps extends Editing {
  /** The job as it is now. */
  readonly job: Job
  /** What of it is edited here; when others change that meanwhile, it is told. */
  readonly part: (job: Job) => unknown
  /** What is to change; undefined: nothing. */
  readonly change: JobChange | undefined
  /** What was changed, for the word that it is done: `The rules`. */
  readonly what: string
  /** Paths of the fields that tell their faults themselves. */
  readonly fields: readonly string[]
  /** What keeps the change from being sent, apart from what the server alone knows. */
  readonly blocked?: boolean
  readonly children: (faultAt: FaultAt) => ReactNode
}

/** The frame of an editor of a part of a job: it sends what was changed and nothing else. */
export function JobEditor(props: JobEditorProps) {
  const { job, part, change, what, fields, blocked = false, onClose, onAnew, children } = props
  const [before] = useState(() => JSON.stringify(part(job)))
  const save = useAct({
    run: (sent: JobChange) => jobyard.jobs.patch(job.id, sent),
    done: () => `${what} of ${job.name} were changed.`,
    quiet: true,
    after: (changed) => {
      noteJob(changed)
      onClose()
    },
  })
  const stale = !save.isPending && JSON.stringify(part(job)) !== before
  const faultAt = faultsOf(save.error)
  const told = fields.some((field) => faultAt(field) !== undefined)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (change !== undefined && !blocked) save.mutate(change)
  }
  return (
    <form className="padded form" onSubmit={submit}>
      {stale && (
        <Notice tone="wait">
          <strong>Somebody has changed this meanwhile.</strong> Saving writes what you changed here and leaves the rest
          as it is now.
          <br />
          <Button variant="default" size="compact-xs" mt={6} onClick={onAnew}>
            Begin again with what is there now
          </Button>
        </Notice>
      )}
      {children(faultAt)}
      {save.error !== null && !told && <Problem error={save.error} />}
      <Group gap="xs">
        <Button type="submit" loading={save.isPending} disabled={change === undefined || blocked}>
          Save
        </Button>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
      </Group>
    </form>
  )
}

/** What a refusal says of each field. */
export function faultsOf(error: unknown): FaultAt {
  return (path) => {
    if (!(error instanceof JobyardProblem) || error.field === undefined) return undefined
    if (error.field !== path && !error.field.startsWith(`${path}.`)) return undefined
    return error.hint === undefined ? error.detail : `${error.detail} ${error.hint}`
  }
}
