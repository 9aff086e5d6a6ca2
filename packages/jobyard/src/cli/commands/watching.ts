import type { Command } from 'commander'
import type { AuditOptions } from '../audit.ts'
import type { EventsOptions } from '../events.ts'
import { type Build, connected, verb } from '../shape.ts'
import { inCollection } from './scripts.ts'

/** The commands that show what has happened and what happens. */
export function addWatching(program: Command, { terminal }: Build): void {
  const events = verb(program, 'events', 'print what happens on the server, until Ctrl-C', [
    'jobyard events',
    'jobyard events --job report',
    'jobyard events --json                           # one JSON document a line',
  ])
    .option('-f, --follow', 'go on until Ctrl-C; it does so anyway')
    .option('--job <name>', 'only events of this job')
    .option('--after <id>', 'begin behind the event with this id, as --json shows it, as far as the server keeps them')
  connected(inCollection(events)).action(async (options: EventsOptions) => {
    await (await import('../events.ts')).events(terminal, options)
  })
  const audit = verb(program, 'audit', 'list who changed what, the newest first; for admins', [
    'jobyard audit',
    'jobyard audit --job report --limit 100',
  ])
    .option('--job <name>', 'only changes of this job')
    .option('--limit <count>', 'how many entries to list', '50')
  connected(inCollection(audit)).action(async (options: AuditOptions) => {
    await (await import('../audit.ts')).audit(terminal, options)
  })
}
