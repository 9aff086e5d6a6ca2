import { JobyardProblem, type Preview } from '@jobyard/client'
import { printJson } from './answer.ts'
import { connect } from './connection.ts'
import { readCount } from './script/options.ts'
import type { Connected } from './shape.ts'
import { printTable } from './table.ts'
import { type Terminal, write } from './terminal.ts'

/** Options of `schedule preview`. */
export interface PreviewOptions extends Connected {
  readonly collection?: string
  readonly timeZone?: string
  readonly count: string
  readonly from?: string
  readonly until?: string
}

/** Shows when a schedule falls due. */
export async function preview(terminal: Terminal, ncrontab: string, options: PreviewOptions): Promise<void> {
  const { timeZone, collection, from, until } = options
  const input = {
    ncrontab,
    count: readCount(options.count, '--count', 1, 1000),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(collection === undefined ? {} : { collection }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
  }
  const jobyard = await connect(terminal, options)
  const found = await pointing(terminal, options, ncrontab, () => jobyard.schedules.preview(input))
  if (options.json === true) return printJson(terminal, found)
  await print(terminal, found, found.timeZone)
}

async function print(terminal: Terminal, found: Preview, zone: string): Promise<void> {
  for (const { message } of found.warnings) terminal.stderr.write(`warning: ${message}\n`)
  if (found.occurrences.length === 0) return write(terminal.stdout, 'It does not fall due.\n')
  await printTable(terminal.stdout, found.occurrences, [
    { title: `LOCAL (${zone})`, value: ({ local, offset }) => `${local.replace('T', ' ')} ${offset}` },
    { title: 'UTC', value: ({ utc }) => utc },
  ])
}

/** Shows, below a schedule that is refused, where in it the fault is. */
export async function pointing<T>(
  terminal: Terminal,
  options: Connected,
  ncrontab: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const position = error instanceof Error && 'position' in error ? error.position : undefined
    const code = error instanceof JobyardProblem || (error instanceof Error && 'code' in error) ? error.code : undefined
    if (code === 'schedule-invalid' && typeof position === 'number' && options.json !== true) {
      terminal.stderr.write(`  ${ncrontab}\n  ${' '.repeat(position)}^\n`)
    }
    throw error
  }
}
