import type { Command } from 'commander'
import type { RunListOptions } from '../run.ts'
import type { PreviewOptions } from '../schedule.ts'
import type { ScopeOptions } from '../script/options.ts'
import { type Build, type Connected, connected, noun, verb } from '../shape.ts'
import type { WebhookSetOptions } from '../webhook.ts'
import { inCollection, ofJob } from './job-scope.ts'

const RUN_NAMED = 'A run is named by its id, or by its job and number: report/12.'

const RUN_EXAMPLES = ['jobyard run list --state failed', 'jobyard run show report/12', 'jobyard run rerun report/12']
const SCHEDULE_EXAMPLES = ['jobyard schedule preview "0 30 2 * * *" --time-zone Europe/Berlin']
const WEBHOOK_EXAMPLES = ['jobyard webhook set orders', 'jobyard webhook show orders', 'jobyard webhook renew orders']

/** The commands of runs, schedules and webhooks. */
export function addRuns(program: Command, build: Build): void {
  addRunVerbs(noun(program, 'run', 'look at runs of all jobs, stop and repeat them', RUN_EXAMPLES), build)
  addSchedules(noun(program, 'schedule', 'try schedules out', SCHEDULE_EXAMPLES), build)
  addWebhooks(noun(program, 'webhook', 'the addresses at which others can start jobs', WEBHOOK_EXAMPLES), build)
}

function addRunVerbs(run: Command, { terminal }: Build): void {
  const list = verb(run, 'list', 'list runs of all jobs, the newest first', [
    'jobyard run list',
    'jobyard run list --state failed --limit 100',
  ])
    .option('--state <states>', 'only runs in these states, separated by commas, such as running,pending')
    .option('--limit <count>', 'how many to list', '20')
  connected(inCollection(list)).action(async (options: RunListOptions) => {
    await (await import('../run.ts')).listRuns(terminal, options)
  })
  const show = verb(run, 'show <run>', 'show all about a run', ['jobyard run show report/12'])
  connected(ofJob(explained(show))).action(async (name: string, options: ScopeOptions) => {
    await (await import('../run.ts')).showRun(terminal, name, options)
  })
  const verbs = [
    ['stop', 'end a run: its processes are asked to end, and killed after their grace'],
    ['suspend', 'freeze a run where it is'],
    ['resume', 'let a suspended run go on'],
    ['rerun', 'start a new run with the arguments and input of an earlier one'],
  ] as const
  for (const [name, summary] of verbs) {
    const command = verb(run, `${name} <run>`, summary, [`jobyard run ${name} report/12`])
    connected(ofJob(explained(command))).action(async (which: string, options: ScopeOptions) => {
      await (await import('../run.ts')).actOnRun(terminal, name, which, options)
    })
  }
}

function explained(command: Command): Command {
  return command.addHelpText('after', `\n${RUN_NAMED}`)
}

function addSchedules(schedule: Command, { terminal }: Build): void {
  const preview = verb(schedule, 'preview <ncrontab>', 'show when a schedule falls due', [
    'jobyard schedule preview "0 30 2 * * *" --time-zone Europe/Berlin',
    'jobyard schedule preview "0 0 9 * * MON-FRI" --from 2027-01-01T00:00:00Z',
  ])
    .option('--time-zone <zone>', 'IANA name such as Europe/Berlin (default: that of the collection named, else UTC)')
    .option('--count <count>', 'how many occurrences to show, at most 1000', '10')
    .option('--from <time>', 'only after this time, ISO 8601 (default: now)')
    .option('--until <time>', 'only before this time, ISO 8601')
    .option('--collection <name>', 'the collection whose time zone counts where none is named')
  connected(preview).action(async (ncrontab: string, options: PreviewOptions) => {
    await (await import('../schedule.ts')).preview(terminal, ncrontab, options)
  })
}

function addWebhooks(webhook: Command, { terminal }: Build): void {
  const show = verb(webhook, 'show <name>', 'show the address and password of a job; this is put on record', [
    'jobyard webhook show report',
  ])
  connected(ofJob(show)).action(async (name: string, options: ScopeOptions) => {
    await (await import('../webhook.ts')).showWebhook(terminal, name, options)
  })
  const set = verb(webhook, 'set <name>', 'give a job a webhook, or set its password', [
    'jobyard webhook set report                      # with a new password',
    'jobyard webhook set report --password - < password.txt',
  ]).option('--password <text>', 'password to set; - reads it from standard input (default: a random one)')
  connected(ofJob(set)).action(async (name: string, options: WebhookSetOptions) => {
    await (await import('../webhook.ts')).setWebhook(terminal, name, options)
  })
  const renew = verb(webhook, 'renew <name>', 'replace the password by a new one; the old one is worthless at once', [
    'jobyard webhook renew report',
  ])
  connected(ofJob(renew)).action(async (name: string, options: ScopeOptions) => {
    await (await import('../webhook.ts')).renewWebhook(terminal, name, options)
  })
  const remove = verb(webhook, 'rm <name>', 'take the webhook of a job away', ['jobyard webhook rm report'])
  connected(ofJob(remove)).action(async (name: string, options: Connected & ScopeOptions) => {
    await (await import('../webhook.ts')).removeWebhook(terminal, name, options)
  })
}
