import { isFinished, type Jobyard, type Run, type Task } from '@jobyard/client'
import { answer, printJson } from './answer.ts'
import { connect } from './connection.ts'
import { findRun, nameOf } from './run-name.ts'
import { readCount, readStates, type ScopeOptions, scopeOf } from './script/options.ts'
import { type Column, type Fact, printFacts, printTable, timeColumn } from './table.ts'
import type { Terminal } from './terminal.ts'
import { NOTHING, sayDuration, sayEnd, sayHash, saySize, sayTime, sayTook, styleOf } from './wording.ts'

/** Options of `run list`. */
export interface RunListOptions extends ScopeOptions {
  readonly state?: string
  readonly limit: string
}

/** The columns of a list of runs. */
export function runColumns(now: number, named: boolean): Column<Run>[] {
  return [
    { title: 'RUN', value: (run) => (named ? nameOf(run) : String(run.number)), right: !named },
    { title: 'STATE', value: ({ state }) => state, style: ({ state }) => styleOf(state) },
    { title: 'WHY', value: ({ why }) => why },
    timeColumn('STARTED', ({ startedAt, createdAt }) => startedAt ?? createdAt),
    { title: 'TOOK', value: (run) => sayTook(run, now), right: true },
    {
      title: 'CPU',
      value: ({ cpuMs }) => (cpuMs === null ? NOTHING : sayDuration(cpuMs)),
      right: true,
      yields: 'first',
    },
    {
      title: 'MEMORY',
      value: ({ peakBytes }) => (peakBytes === null ? NOTHING : saySize(peakBytes)),
      right: true,
      yields: 'first',
    },
    { title: 'EXIT', value: ({ exitCode }) => (exitCode === null ? NOTHING : String(exitCode)), right: true },
    { title: 'REASON', value: ({ reason }) => reason?.text ?? '', yields: true },
  ]
}

/** Lists runs of all jobs. */
export async function listRuns(terminal: Terminal, options: RunListOptions): Promise<void> {
  const limit = readCount(options.limit, '--limit', 1, 100_000)
  const state = readStates(options.state)
  const jobyard = await connect(terminal, options)
  const { collection } = options
  const filter = { ...(state === undefined ? {} : { state }), ...(collection === undefined ? {} : { collection }) }
  const runs = await jobyard.runs.list(filter, { pageSize: Math.min(limit, 500) }).take(limit)
  if (options.json === true) return printJson(terminal, runs)
  await printTable(terminal.stdout, runs, runColumns(terminal.clock.now(), true))
}

/** Shows all about a run. */
export async function showRun(terminal: Terminal, name: string, options: ScopeOptions): Promise<void> {
  const jobyard = await connect(terminal, options)
  const run = await findRun(jobyard, name, scopeOf(options))
  const tasks = await jobyard.runs.tasks(run.id, { pageSize: 100 }).take(100)
  if (options.json === true) return printJson(terminal, { ...run, tasks })
  await printFacts(terminal.stdout, [
    ['run', nameOf(run)],
    ['id', run.id],
    stateFact(run),
    ['why', run.why],
    ...optional('reason', run.reason && `${run.reason.code}: ${run.reason.text}`),
    ...optional('exit code', run.exitCode === null ? null : String(run.exitCode)),
    ...optional('arguments', run.args.length === 0 ? null : JSON.stringify(run.args)),
    ['package', sayHash(run.package)],
    ...optional('due', run.scheduledFor && sayTime(run.scheduledFor)),
    ['made', sayTime(run.createdAt)],
    ['started', sayTime(run.startedAt)],
    ['ended', sayTime(run.finishedAt)],
    ['took', sayTook(run, terminal.clock.now())],
    ['CPU', run.cpuMs === null ? NOTHING : sayDuration(run.cpuMs)],
    ['memory', run.peakBytes === null ? NOTHING : `${saySize(run.peakBytes)} at the peak`],
  ])
  if (tasks.length < 2) return
  terminal.stdout.write('\n')
  await printTable<Task>(terminal.stdout, tasks, taskColumns(terminal.clock.now()))
}

function taskColumns(now: number): Column<Task>[] {
  return [
    { title: 'TARGET', value: ({ target }) => target },
    { title: 'ATTEMPT', value: ({ attempt }) => String(attempt), right: true },
    { title: 'STATE', value: ({ state }) => state, style: ({ state }) => styleOf(state) },
    timeColumn('STARTED', ({ startedAt }) => startedAt),
    { title: 'TOOK', value: (task) => sayTook(task, now), right: true },
    { title: 'END', value: sayEnd, yields: true },
  ]
}

function stateFact(run: Run): Fact {
  const words = run.queued ? `${run.state} (queued)` : run.state
  const style = styleOf(run.state)
  return style === undefined ? ['state', words] : ['state', words, style]
}

function optional(name: string, value: string | null): Fact[] {
  return value === null ? [] : [[name, value]]
}

const DONE = {
  stop: 'is asked to stop',
  suspend: 'is asked to rest',
  resume: 'goes on',
  rerun: 'was started',
} as const

/** Stops, suspends, resumes or repeats a run. */
export async function actOnRun(
  terminal: Terminal,
  verb: keyof typeof DONE,
  name: string,
  options: ScopeOptions,
): Promise<void> {
  const jobyard: Jobyard = await connect(terminal, options)
  const { id } = await findRun(jobyard, name, scopeOf(options))
  const run = await jobyard.runs[verb](id)
  await answer(terminal, options, run, `${nameOf(run)} ${sayDone(verb, run)}.`)
}

/** What came of it so far. What is asked for comes about soon after, so the state may still be the old one. */
function sayDone(verb: keyof typeof DONE, { state }: Run): string {
  if (verb === 'resume' && state === 'suspended') return 'is asked to go on; it is still suspended'
  // To stop what has ended is no error: it is as it was asked for.
  return `${verb === 'stop' && isFinished(state) ? 'has ended' : DONE[verb]}; it is ${state}`
}
