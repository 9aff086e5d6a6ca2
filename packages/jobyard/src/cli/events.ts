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
  readonly after?: string
}

/** Prints what happens on the server, until Ctrl-C. */
export async function events(terminal: Terminal, options: EventsOptions): Promise<void> {
  const { job, collection, after } = options
  const jobyard = await connect(terminal, options)
  const filter = { ...(job === undefined ? {} : { job }), ...(collection === undefined ? {} : { collection }) }
  const from = after === undefined ? {} : { after }
  try {
    for await (const event of jobyard.events.follow(filter, { signal: terminal.interrupted(), ...from })) {
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
