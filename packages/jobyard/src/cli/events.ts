import { type EventFilter, isGap, type Jobyard, type LiveEvent } from '@jobyard/client'
import { JobyardError } from '../domain/errors.ts'
import { printJsonLine } from './answer.ts'
import { connect } from './connection.ts'
import { paint, printable } from './failure.ts'
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
  const after = readAfter(options.after)
  const jobyard = await connect(terminal, options)
  const { latest, gap } = await list(jobyard, options, count)
  if (gap) await sayGap(terminal, options)
  else if (latest.length === 0 && !goesOn && options.json !== true) {
    const since = after === undefined ? 'since the server was started' : `behind ${after}`
    terminal.stderr.write(`Nothing has happened ${since}. Add --follow to wait for events.\n`)
  }
  for (const event of latest.toReversed()) await print(terminal, options, event)
  if (!goesOn) return
  await follow(terminal, jobyard, options, { after: latest[0]?.id ?? after, gapIsSaid: gap && latest.length === 0 })
}

/** The id of an event; `usage-invalid` for what can be none. */
function readAfter(given: string | undefined): string | undefined {
  if (given === undefined || /^[0-9a-z]{1,20}-[0-9]{1,15}$/.test(given)) return given
  throw new JobyardError('usage-invalid', `--after is "${given}", which is not the id of an event.`, {
    field: '--after',
    hint: 'Each line of `jobyard events --json` has the id of its event as `id`.',
  })
}

/** The latest events, the newest first, and whether some behind `after` are not kept any longer. */
async function list(
  jobyard: Jobyard,
  options: EventsOptions,
  count: number,
): Promise<{ readonly latest: readonly LiveEvent[]; readonly gap: boolean }> {
  const { after } = options
  const filter = { ...filterOf(options), ...(after === undefined ? {} : { after }) }
  const latest: LiveEvent[] = []
  let gap = false
  if (count === 0) return { latest, gap }
  for await (const page of jobyard.events.list(filter, { pageSize: Math.min(count, 500) }).pages()) {
    gap ||= page.gap
    latest.push(...page.items.slice(0, count - latest.length))
    if (latest.length === count) break
  }
  return { latest, gap }
}

/** Says that events are missing: to programs by the event by which live streams say it. */
async function sayGap(terminal: Terminal, { after, json }: EventsOptions): Promise<void> {
  const reason = `Some of what happened behind ${after} is not kept any longer: the server keeps its latest 10000 events, until it is restarted.`
  if (json === true) await printJsonLine(terminal, { type: 'gap', reason })
  else terminal.stderr.write(`${paint(terminal.stderr, 'yellow', 'warning:')} ${reason}\n`)
}

function filterOf({ job, collection }: EventsOptions): EventFilter {
  return { ...(job === undefined ? {} : { job }), ...(collection === undefined ? {} : { collection }) }
}

async function follow(
  terminal: Terminal,
  jobyard: Jobyard,
  options: EventsOptions,
  { after, gapIsSaid }: { readonly after: string | undefined; readonly gapIsSaid: boolean },
): Promise<void> {
  const from = after === undefined ? {} : { after }
  let skipsGap = gapIsSaid
  try {
    for await (const event of jobyard.events.follow(filterOf(options), { signal: terminal.interrupted(), ...from })) {
      const isSaid = skipsGap && isGap(event)
      skipsGap = false
      if (!isSaid) await print(terminal, options, event)
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
