import { bytesOf, type Job, type Jobyard, type OutputEntry, type OutputPage, type Run } from '@jobyard/client'
import { JobyardError } from '../../domain/errors.ts'
import { connect } from '../connection.ts'
import { findRunByNumber } from '../run-name.ts'
import { Interrupted, type Terminal, write } from '../terminal.ts'
import { readCount, type ScopeOptions, scopeOf } from './options.ts'
import { followOutput, printEntry } from './print-output.ts'

/** Options of `script logs`. */
export interface LogsOptions extends ScopeOptions {
  readonly follow?: boolean
  readonly run?: string
  readonly tail?: string
}

/** Prints the output of a run as one log. */
export async function logs(terminal: Terminal, name: string, options: LogsOptions): Promise<void> {
  const number = options.run === undefined ? undefined : readCount(options.run, '--run', 1, 999_999_999)
  const lines = options.tail === undefined ? undefined : readCount(options.tail, '--tail', 0, 1_000_000)
  const jobyard = await connect(terminal, options)
  const job = await jobyard.jobs.get(name, scopeOf(options))
  const run = number === undefined ? job.latestRun : await findRunByNumber(jobyard, job, number)
  const keepsOn = options.follow === true && number === undefined && job.type === 'continuous'
  if (run === null && !keepsOn) {
    throw new JobyardError('run-unknown', `The job ${job.name} never ran.`, {
      hint: `Run it with \`jobyard script run ${job.name}\`.`,
    })
  }
  try {
    if (run !== null) await printRun(terminal, jobyard, run, { ...options, lines })
    if (keepsOn) await followJob(terminal, jobyard, job, run, options)
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  }
}

async function printRun(
  terminal: Terminal,
  jobyard: Jobyard,
  run: Run,
  { lines, follow, json }: LogsOptions & { readonly lines: number | undefined },
): Promise<void> {
  const how = { json: json === true, split: false }
  const after = lines === undefined ? undefined : await printTail(terminal, jobyard, run, lines, how.json)
  if (follow === true) {
    const from = after === undefined ? {} : { after }
    return followOutput(terminal, jobyard, run.id, { ...how, ...from, signal: terminal.interrupted() })
  }
  if (lines === undefined && how.json) return printPages(terminal, jobyard, run)
  if (lines === undefined) {
    for await (const bytes of await jobyard.output.text(run.id)) await write(terminal.stdout, bytes)
  }
}

async function printPages(terminal: Terminal, jobyard: Jobyard, run: Run): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const page: OutputPage = await jobyard.output.page(run.id, { after })
    for (const entry of page.items) await printEntry(terminal, entry, { json: true, split: false })
    after = page.next
  }
}

const FIRST_TAIL_BYTES = 256 * 1024
const LARGEST_TAIL_BYTES = 4 * 1024 * 1024

/** Prints the last lines of a run and tells the seq of the last entry printed. */
async function printTail(
  terminal: Terminal,
  jobyard: Jobyard,
  run: Run,
  lines: number,
  json: boolean,
): Promise<number> {
  for (let maxBytes = FIRST_TAIL_BYTES; ; maxBytes *= 4) {
    const page = await jobyard.output.page(run.id, { tail: true, maxBytes })
    const { entries, whole } = lastLines(page.items, lines)
    const all = page.items.length === 0 || (page.items[0]?.seq ?? 0) <= page.firstSeq
    if (!whole && !all && maxBytes < LARGEST_TAIL_BYTES) continue
    for (const entry of entries) await printEntry(terminal, entry, { json, split: false })
    return page.lastSeq
  }
}

/** The entries that hold the last lines, the first of them cut at its line; `whole` says that there were enough. */
export function lastLines(
  items: readonly OutputEntry[],
  lines: number,
): { readonly entries: OutputEntry[]; readonly whole: boolean } {
  if (lines === 0) return { entries: [], whole: true }
  // A line end at the very end ends the last line and begins no other.
  let left = lines + (endsLine(items.at(-1)) ? 1 : 0)
  for (let index = items.length - 1; index >= 0; index--) {
    const entry = items[index]
    if (entry === undefined) continue
    const bytes = Buffer.from(bytesOf(entry))
    for (let at = bytes.lastIndexOf(10); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(10, at - 1)) {
      if (--left > 0) continue
      const { text: _text, base64: _base64, ...rest } = entry
      const cut = { ...rest, base64: bytes.subarray(at + 1).toString('base64') }
      return { entries: at + 1 < bytes.length ? [cut, ...items.slice(index + 1)] : items.slice(index + 1), whole: true }
    }
  }
  return { entries: [...items], whole: false }
}

function endsLine(entry: OutputEntry | undefined): boolean {
  return entry !== undefined && bytesOf(entry).at(-1) === 10
}

/** A continuous job is started again and again; goes on with each new run. */
async function followJob(
  terminal: Terminal,
  jobyard: Jobyard,
  job: Job,
  first: Run | null,
  options: LogsOptions,
): Promise<never> {
  const signal = terminal.interrupted()
  for (let last = first; ; ) {
    const run = await nextRun(jobyard, job, last, signal)
    terminal.stderr.write(`[jobyard] run ${run.number} of ${job.name}\n`)
    await followOutput(terminal, jobyard, run.id, { json: options.json === true, split: false, signal })
    last = run
  }
}

/** Waits until the job's latest run is another one. */
async function nextRun(jobyard: Jobyard, job: Job, last: Run | null, signal: AbortSignal): Promise<Run> {
  const look = async (): Promise<Run | undefined> => {
    const { latestRun } = await jobyard.jobs.get(job.id)
    return latestRun !== null && latestRun.id !== last?.id ? latestRun : undefined
  }
  const opened = Promise.withResolvers<void>()
  const ours = new AbortController()
  const events = jobyard.events.follow(
    { job: job.id },
    { signal: AbortSignal.any([signal, ours.signal]), onOpen: () => opened.resolve() },
  )
  try {
    // The stream is open before the job is looked at, so that no run can begin unseen in between.
    let event = watched(events.next())
    await Promise.race([opened.promise, event])
    for (;;) {
      const run = await look()
      if (run !== undefined) return run
      await event
      event = watched(events.next())
    }
  } finally {
    ours.abort()
    await events.return()
  }
}

/** A promise that may be rejected before somebody waits for it. */
function watched<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
