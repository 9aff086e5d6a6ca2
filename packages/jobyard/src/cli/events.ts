import type { EventFilter, Jobyard, LiveEvent } from '@jobyard/client'
import { printJsonLine } from './answer.ts'
import { connect } from './connection.ts'
import { printable } from './failure.ts'
import { readCount, type ScopeOptions } from './script/options.ts'
import { Interrupted, type Terminal, write } from './terminal.ts'
import { sayTime } from './wording.ts'

/** Options of `events`. */
export interface EventsOptions extends ScopeOptions {
  readonly follow?: boolean
  readonly job?: string
  readonly after?: string
  readonly limit?: string
}

/** How many events are listed when nobody says. */
const DEFAULT_LIMIT = 50

/** Prints what has happened on the server lately, the newest last; with --follow what happens, until Ctrl-C. */
export async function events(terminal: Terminal, options: EventsOptions): Promise<void> {
  const { follow: goesOn = false, limit } = options
  const count = limit === undefined ? (goesOn ? 0 : DEFAULT_LIMIT) : readCount(limit, '--limit', 1, 10_000)
  const jobyard = await connect(terminal, options)
  const latest = await list(jobyard, options, count)
  if (latest.length === 0 && !goesOn && options.json !== true) {
    terminal.stderr.write('Nothing has happened since the server was started. Add --follow to wait for events.\n')
  }
  for (const event of latest.toReversed()) await print(terminal, options, event)
  if (goesOn) await follow(terminal, jobyard, options, latest[0]?.id ?? options.after)
}

async function list(jobyard: Jobyard, options: EventsOptions, count: number): Promise<LiveEvent[]> {
  const { after } = options
  const filter = { ...filterOf(options), ...(after === undefined ? {} : { after }) }
  return await jobyard.events.list(filter, { pageSize: Math.min(count, 500) }).take(count)
}

function filterOf({ job, collection }: EventsOptions): EventFilter {
  return { ...(job === undefined ? {} : { job }), ...(collection === undefined ? {} : { collection }) }
}

async function follow(
  terminal: Terminal,
  jobyard: Jobyard,
  options: EventsOptions,
  after: string | undefined,
): Promise<void> {
  const from = after === undefined ? {} : { after }
  try {
    for await (const event of jobyard.events.follow(filterOf(options), { signal: terminal.interrupted(), ...from })) {
      await print(terminal, options, event)
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  }
}

async function print(terminal: Terminal, options: EventsOptions, event: LiveEvent): Promise<void> {
  if (options.json === true) return printJsonLine(terminal, event)
  const { id: _id, type, time, ...rest } = event
  const members = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  await write(terminal.stdout, `${printable([sayTime(time), type, ...members].join('  '))}\n`)
}
