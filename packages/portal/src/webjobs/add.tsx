import { type Job, type JobInput, JobyardProblem, type TriggerInput } from '@jobyard/client'
import { Button, Group, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { useCollection } from '../app/collection.ts'
import { jobLink, packagesLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { jobsQuery, queryClient } from '../app/queries.ts'
import { Choice } from '../parts/choice.tsx'
import { Page } from '../parts/page.tsx'
import { Notice, Problem } from '../parts/problem.tsx'
import { faultOfName } from '../words/names.ts'
import { noteJob } from './acts.ts'
import { FolderNotice, useFolder } from './folder.tsx'
import { PackageField, type Upload } from './package-field.tsx'
import { ScheduleField, type ScheduleInput, inputOf as scheduleOf } from './schedule-field.tsx'

interface Draft {
  readonly name: string
  readonly collection: string
  readonly upload: Upload
  readonly type: 'triggered' | 'continuous'
  /** Undefined: as settings.job of the package says. */
  readonly singleton: boolean | undefined
  readonly trigger: 'manual' | 'scheduled'
  readonly schedule: ScheduleInput
}

const EMPTY: Draft = {
  name: '',
  collection: '',
  upload: { state: 'none' },
  type: 'triggered',
  singleton: undefined,
  trigger: 'manual',
  schedule: { ncrontab: '', timeZone: '' },
}

/** Adds a WebJob: its name, its file, its type, and when it runs. */
export function AddWebJob() {
  const [draft, setDraft] = useState(EMPTY)
  const navigate = useNavigate()
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }))
  const add = useAct({
    run: (input: JobInput) => jobyard.jobs.create(input),
    done: (job) => `${job.name} was added.`,
    quiet: true,
    after: (job) => {
      noteJob(job)
      void queryClient.invalidateQueries({ queryKey: jobsQuery.queryKey })
      void navigate({ to: '/webjobs/$job', params: { job: job.id } })
    },
  })
  const may = useMay('deployer')
  const { name: usual } = useCollection(undefined)
  const folder = useFolder(draft.collection === '' ? usual : draft.collection)
  const input = folder === undefined ? inputOf(draft) : undefined
  if (!may) {
    return (
      <Page title="Add a WebJob" crumbs={[{ text: 'WebJobs', link: { to: '/webjobs' } }]}>
        <Notice tone="wait">Adding a job needs the role deployer. Sign in with a token of that role to add one.</Notice>
      </Page>
    )
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (input !== undefined) add.mutate(input)
  }
  return (
    <Page title="Add a WebJob" crumbs={[{ text: 'WebJobs', link: { to: '/webjobs' } }]}>
      {folder !== undefined && <FolderNotice folder={folder} />}
      <form className="add" onSubmit={submit}>
        <NameFields draft={draft} change={change} problem={add.error} />
        <Field title="File">
          <PackageField
            upload={draft.upload}
            onUpload={(upload) => change({ upload })}
            disabled={folder !== undefined}
          />
        </Field>
        <TypeField draft={draft} change={change} />
        {draft.type === 'continuous' ? (
          <ScaleField draft={draft} change={change} />
        ) : (
          <TriggerField draft={draft} change={change} />
        )}
        {add.error !== null && !isOfName(add.error) && <Problem error={add.error} />}
        <Group gap="xs">
          <Button type="submit" size="sm" loading={add.isPending} disabled={input === undefined}>
            Add
          </Button>
          <Button component={Link} to="/webjobs" variant="default" size="sm">
            Cancel
          </Button>
        </Group>
      </form>
    </Page>
  )
}

/** What is sent; undefined while something is missing. */
function inputOf({ name, collection, upload, type, singleton, trigger, schedule }: Draft): JobInput | undefined {
  if (faultOfName(name) !== undefined || upload.state !== 'done') return undefined
  if (type === 'triggered' && trigger === 'scheduled' && schedule.ncrontab.trim() === '') return undefined
  const scheduled: TriggerInput[] = trigger === 'scheduled' ? [scheduleOf(schedule)] : []
  const triggers: TriggerInput[] = type === 'continuous' ? instancesOf(singleton) : scheduled
  const chosen = collection === '' ? {} : { collection }
  // Without triggers of its own the job takes the schedule of its package, if that has one.
  return { name, type, package: upload.info.hash, ...chosen, ...(triggers.length === 0 ? {} : { triggers }) }
}

/** Who chooses nothing leaves it to the package, and to those that follow it. */
function instancesOf(singleton: boolean | undefined): TriggerInput[] {
  return [{ type: 'continuous', ...(singleton === undefined ? {} : { singleton }) }]
}

function isOfName(error: unknown): boolean {
  return error instanceof JobyardProblem && (error.field === 'name' || error.code === 'job-exists')
}

interface PartProps {
  readonly draft: Draft
  readonly change: (part: Partial<Draft>) => void
}

function NameFields({ draft: { name, collection, type }, change, problem }: PartProps & { problem: unknown }) {
  const { data: jobs } = useQuery(jobsQuery)
  const { names, name: own = 'default' } = useCollection(undefined)
  const chosen = collection === '' ? own : collection
  const called = jobs?.filter(
    (job) => job.name.toLowerCase() === name.toLowerCase() && job.collection === chosen && job.kind === 'script',
  )
  const taken = called?.find((job) => job.type === type)
  const other = called?.find((job) => job.type !== type)
  const fault = name === '' ? undefined : (faultOfName(name) ?? (taken && <Taken job={taken} />))
  const refused = isOfName(problem) && problem instanceof JobyardProblem ? problem.detail : undefined
  return (
    <Field title="Name">
      <TextInput
        aria-label="Name"
        placeholder="nightly-report"
        description="Letters, digits, - and _; it begins with a letter or a digit."
        value={name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={fault ?? refused}
        autoComplete="off"
        spellCheck={false}
        autoFocus
      />
      {other !== undefined && !taken && (
        <Notice tone="wait">
          There is a {other.type} job of this name, too. Both can be there, but commands must say which one is meant.
        </Notice>
      )}
      {names.length > 1 && (
        <Select
          mt="sm"
          label="Collection"
          data={names}
          value={chosen}
          allowDeselect={false}
          onChange={(value) => change({ collection: value ?? '' })}
        />
      )}
    </Field>
  )
}

/** The way to the job that has the name. */
function Taken({ job }: { job: Job }) {
  return (
    <>
      There is such a job already: <Link {...jobLink(job)}>{job.name}</Link>. A new file is deployed to it under{' '}
      <Link {...packagesLink(job)}>Packages</Link>.
    </>
  )
}

function TypeField({ draft: { type }, change }: PartProps) {
  return (
    <Field title="Type">
      <Choice
        label="Type"
        value={type}
        onChange={(value) => change({ type: value === 'continuous' ? 'continuous' : 'triggered' })}
        options={[
          ['triggered', 'Triggered', 'Runs when somebody asks, or when it falls due.'],
          ['continuous', 'Continuous', 'Runs all the time; when it ends it is started again.'],
        ]}
      />
    </Field>
  )
}

function ScaleField({ draft: { singleton, upload }, change }: PartProps) {
  const said = upload.state === 'done' && upload.info.settings.is_singleton === true
  return (
    <Field title="Scale">
      <Choice
        label="Scale"
        value={(singleton ?? said) ? 'single' : 'all'}
        onChange={(value) => change({ singleton: value === 'single' })}
        options={[
          ['all', 'All instances', 'One process on each.'],
          ['single', 'Single instance', 'One process in all; another instance takes over when its own is gone.'],
        ]}
      />
    </Field>
  )
}

function TriggerField({ draft: { trigger, schedule, collection }, change }: PartProps) {
  const { name: usual } = useCollection(undefined)
  return (
    <Field title="Trigger">
      <Choice
        label="Trigger"
        value={trigger}
        onChange={(value) => change({ trigger: value === 'scheduled' ? 'scheduled' : 'manual' })}
        options={[
          ['manual', 'Manual', 'By hand, by webhook, or as settings.job of the package says.'],
          ['scheduled', 'Scheduled', 'Whenever its NCRONTAB falls due.'],
        ]}
      />
      {trigger === 'scheduled' && (
        <ScheduleField
          value={schedule}
          collection={collection === '' ? usual : collection}
          onChange={(value) => change({ schedule: value })}
        />
      )}
    </Field>
  )
}

function Field({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset>
      <legend>{title}</legend>
      {children}
    </fieldset>
  )
}
