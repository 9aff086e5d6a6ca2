import { printJson } from './answer.ts'
import { connect } from './connection.ts'
import type { Connected } from './shape.ts'
import { printFacts } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Shows what the server is and how busy it is. */
export async function status(terminal: Terminal, options: Connected): Promise<void> {
  const found = await (await connect(terminal, options)).status()
  if (options.json === true) return printJson(terminal, found)
  const { limits } = found
  await printFacts(terminal.stdout, [
    ['instance', found.instance],
    ['slot', found.slot],
    ['version', found.version],
    ['up for', found.uptime],
    ['runs', `${found.load} of ${found.concurrency} at a time`],
    ['database', found.database],
    ...(found.dataFolder === undefined ? [] : [['data folder', found.dataFolder] as const]),
    ['limits', `memory by ${limits.memory}, processes by ${limits.processes}`],
    ...limits.notes.map((note) => ['note', note] as const),
  ])
}
