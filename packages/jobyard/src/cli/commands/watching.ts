import type { Command } from 'commander'
import type { AuditOptions } from '../audit.ts'
import type { EventsOptions } from '../events.ts'
import { type Build, connected, verb } from '../shape.ts'
import { ofJob } from './job-scope.ts'

/** The commands that show what has happened and what happens. */
export function addWatching(program: Command, { terminal }: Build): void {
  const events = verb(
    program,
    'events',
    'list what has happened on the server lately, the newest last, or follow what happens',
    [
      'jobyard events                                  # the latest 50',
      'jobyard events --follow                         # as they happen, until Ctrl-C',
      'jobyard events --follow --limit 20              # the latest 20 first',
      'jobyard events --job report --limit 500',
      'jobyard events --json                           # one JSON document a line',
    ],
  )
    .option('-f, --follow', 'print events as they happen, until Ctrl-C')
    .option('--job <name>', 'only events of this job')
    .option(
      '--limit <count>',
      'how many to list (default: 50; the server keeps its latest 10000 until it is restarted)',
    )
    .option(
      '--after <id>',
      'only events behind the one with this id, as --json shows it; a `gap` says that some are lost',
    )
  connected(ofJob(events)).action(async (options: EventsOptions) => {
    await (await import('../events.ts')).events(terminal, options)
  })
  const audit = verb(program, 'audit', 'list who changed what, the newest first; for admins', [
    'jobyard audit',
    'jobyard audit --job report --limit 100',
  ])
    .option('--job <name>', 'only changes of this job')
    .option('--limit <count>', 'how many entries to list', '50')
  connected(ofJob(audit)).action(async (options: AuditOptions) => {
    await (await import('../audit.ts')).audit(terminal, options)
  })
}
