import type { EffectiveRule, Job, Jobyard, Occurrence, Trigger } from '@jobyard/client'
import { printJson } from '../answer.ts'
import { connect } from '../connection.ts'
import { asTyped } from '../program-name.ts'
import { runColumns } from '../run.ts'
import { type Column, type Fact, printFacts, printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { NOTHING, sayCount, sayHash, sayNextDue, sayShortTime, sayTime, sayTook, styleOf } from '../wording.ts'
import { type ListOptions, type RunsOptions, readCount, readStates, type ScopeOptions, scopeOf } from './options.ts'

/** Lists script jobs. */
export async function listScripts(terminal: Terminal, options: ListOptions): Promise<void> {
  const { collection, search } = options
  const filter = {
    kind: 'script',
    ...(collection === undefined ? {} : { collection }),
    ...(search === undefined ? {} : { search }),
  }
  const jobs = await (await connect(terminal, options)).jobs.list(filter, { pageSize: 500 }).take()
  if (options.json === true) return printJson(terminal, jobs)
  if (jobs.length === 0) {
    terminal.stderr.write(asTyped(terminal, 'There are no jobs. Deploy one with `jobyard script deploy`.\n'))
    return
  }
  await printTable(terminal.stdout, jobs, jobColumns(jobs))
}

function jobColumns(jobs: readonly Job[]): Column<Job>[] {
  const collections = new Set(jobs.map(({ collection }) => collection))
  const ofCollection: Column<Job>[] =
    collections.size < 2 ? [] : [{ title: 'COLLECTION', value: ({ collection }) => collection }]
  const notes: Column<Job>[] = jobs.every(({ warnings }) => warnings.length === 0)
    ? []
    : [{ title: 'NOTE', value: ({ warnings }) => warnings[0]?.message ?? '', style: () => 'yellow', yields: true }]
  return [
    { title: 'NAME', value: ({ name }) => name },
    ...ofCollection,
    { title: 'RUNS', value: sayTriggers, yields: true },
    { title: 'STATE', value: ({ state }) => state, style: ({ state }) => styleOf(state) },
    {
      title: 'LAST RUN',
      value: (job) => sayLatest(job),
      short: (job) => sayLatest(job, sayShortTime),
      style: ({ latestRun }) => (latestRun && styleOf(latestRun.state)) || undefined,
    },
    { title: 'NEXT RUN', value: sayNextDue, short: (job) => sayNextDue(job).slice(0, 19) },
    ...notes,
  ]
}

function sayLatest({ latestRun }: Job, say: (instant: string) => string = sayTime): string {
  if (latestRun === null) return 'never ran'
  return `${latestRun.state} ${say(latestRun.startedAt ?? latestRun.createdAt)}`
}

/** When a job runs, in a few words. */
export function sayTriggers({ type, triggers }: Pick<Job, 'type' | 'triggers'>): string {
  const words = triggers.map(sayTrigger)
  if (words.length > 0) return words.join(', ')
  return type === 'continuous' ? 'for ever' : 'by hand'
}

function sayTrigger(trigger: Trigger): string {
  switch (trigger.type) {
    case 'continuous':
      return trigger.singleton ? 'for ever, on one instance' : 'for ever'
    case 'schedule':
      return trigger.timeZone === 'UTC' ? trigger.ncrontab : `${trigger.ncrontab} (${trigger.timeZone})`
    case 'webhook':
      return 'webhook'
    case 'after':
      return 'after another job'
  }
}

/** Shows all about a job. */
export async function showScript(terminal: Terminal, name: string, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const job = await jobyard.jobs.get(name, scopeOf(options))
  const next = job.triggers.some(({ type }) => type === 'schedule') ? await jobyard.jobs.next(job.id, 3) : []
  if (options.json === true) return printJson(terminal, { ...job, next })
  await printFacts(terminal.stdout, [
    ...factsOf(job, next, terminal.clock.now()),
    ...(await packageFacts(jobyard, job)),
    ...rulesOf(job),
  ])
}

function factsOf(job: Job, next: readonly Occurrence[], now: number): Fact[] {
  const style = styleOf(job.state)
  const { latestRun: latest } = job
  return [
    ['job', `${job.name} (number ${job.number})`],
    ['id', job.id],
    ['collection', job.collection],
    ['runs', sayTriggers(job)],
    style === undefined ? ['state', job.state] : ['state', job.state, style],
    ...(job.places ?? []).map((place): Fact => {
      const again = place.restartAt === null ? '' : `, starts again ${sayTime(place.restartAt)}`
      return ['place', `${place.place}: started ${sayCount(place.starts, 'time')}${sayShort(place)}${again}`]
    }),
    ...(latest === null
      ? []
      : [['last run', `${latest.number}: ${sayLatest(job)}, took ${sayTook(latest, now)}`] as Fact]),
    ...next.map(({ local, offset }): Fact => ['next run', `${local.replace('T', ' ')} ${offset}`]),
    ...job.warnings.map(({ message }): Fact => ['warning', message, 'yellow']),
  ]
}

/** That the latest runs were short, where they were. */
function sayShort({ quickEnds }: { readonly quickEnds: number }): string {
  if (quickEnds === 0) return ''
  return `, ${sayCount(quickEnds, 'short run')}${quickEnds === 1 ? '' : ' in a row'}`
}

async function packageFacts(jobyard: Jobyard, job: Job): Promise<Fact[]> {
  if (job.package === null) return [['package', NOTHING]]
  const deployments = await jobyard.jobs.packages(job.id)
  return deployments.map(({ hash, deployedAt, deployedBy, source, current }): Fact => {
    const words = `${sayHash(hash)} ${source} ${sayTime(deployedAt)} by ${deployedBy}${current ? ' (current)' : ''}`
    return ['package', words]
  })
}

function rulesOf({ policy, spec, effective }: Job): Fact[] {
  const { env, secrets, args, memory } = spec
  return [
    ['overlap', policy.overlap],
    ['timeout', policy.timeout ?? 'none'],
    [
      'retry',
      policy.retry.kind === 'none'
        ? 'none'
        : `${sayCount(policy.retry.attempts - 1, 'time')}, after ${policy.retry.delay}`,
    ],
    [
      'keeps',
      `${sayCount(effective.keepRuns.value, 'run')}${policy.keepAge === null ? '' : ` for ${policy.keepAge}`}${by(effective.keepRuns)}`,
    ],
    ...(effective.restart === undefined
      ? []
      : [['starts again', `after ${effective.restart.value}${by(effective.restart)}`] as Fact]),
    ...(effective.grace === undefined ? [] : [['to end', `${effective.grace.value}${by(effective.grace)}`] as Fact]),
    ...(memory === undefined ? [] : [['memory', String(memory)] as Fact]),
    ...namesOf(env).map(([name, value]): Fact => ['variable', `${name}=${String(value)}`]),
    ...namesOf(secrets).map(([name]): Fact => ['secret', name]),
    ...(Array.isArray(args) && args.length > 0 ? [['arguments', JSON.stringify(args)] as Fact] : []),
  ]
}

/** Whose word a rule is, where that is not to be seen elsewhere. */
function by({ from }: EffectiveRule<unknown>): string {
  if (from === 'app-settings') return ', by an app setting'
  return from === 'settings.job' ? ', by settings.job' : ''
}

function namesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

/** Lists the runs of a job. */
export async function listScriptRuns(terminal: Terminal, name: string, options: RunsOptions): Promise<void> {
  const limit = readCount(options.limit, '--limit', 1, 100_000)
  const state = readStates(options.state)
  const jobyard = await connect(terminal, options)
  const job = await jobyard.jobs.get(name, scopeOf(options))
  const filter = { job: job.id, ...(state === undefined ? {} : { state }) }
  const runs = await jobyard.runs.list(filter, { pageSize: Math.min(limit, 500) }).take(limit)
  if (options.json === true) return printJson(terminal, runs)
  await printTable(terminal.stdout, runs, runColumns(terminal.clock.now(), false))
}
