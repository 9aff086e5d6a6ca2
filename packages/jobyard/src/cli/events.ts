import type { LiveEvent } from '@jobyard/client'
import { printJsonLine } from './answer.ts'
import { connect } from './connection.ts'
import { printable } from './failure.ts'
import type { ScopeOptions } from './script/options.ts'
import { Interrupted, type Terminal, write } from './terminal.ts'
import { sayTime } from './wording.ts'

/** Options of `events`. */
export interface EventsOptions extends ScopeOptions {
  readonly follow?: boolean
  readonly job?: string
}

/** Without --follow: when nothing came for so long, in milliseconds, what the server had kept is through. */
const QUIET_MS = 500

/** Prints what happened lately, as far back as the server remembers, or what happens from now on. */
export async function events(terminal: Terminal, options: EventsOptions): Promise<void> {
  const { job, collection, follow } = options
  const jobyard = await connect(terminal, options)
  const filter = { ...(job === undefined ? {} : { job }), ...(collection === undefined ? {} : { collection }) }
  const done = new AbortController()
  const signal = AbortSignal.any([terminal.interrupted(), done.signal])
  const wait = (): { cancel(): void } => terminal.clock.after(QUIET_MS, () => done.abort())
  let quiet: { cancel(): void } | undefined
  const again = (): void => {
    quiet?.cancel()
    quiet = wait()
  }
  const range = follow === true ? {} : { after: '0', onOpen: again }
  try {
    for await (const event of jobyard.events.follow(filter, { signal, ...range })) {
      if (follow !== true) again()
      await print(terminal, options, event)
    }
  } catch (error) {
    if (done.signal.aborted) return
    if (error instanceof Interrupted) return
    throw error
  } finally {
    quiet?.cancel()
  }
}

async function print(terminal: Terminal, options: EventsOptions, event: LiveEvent): Promise<void> {
  if (options.json === true) return printJsonLine(terminal, event)
  const { id, type, time, ...rest } = event
  const members = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  await write(terminal.stdout, `${printable([sayTime(time), type, ...members].join('  '))}\n`)
}
