import { type Command, Option } from 'commander'
import type { DeployOptions } from '../script/deploy-input.ts'
import type { LogsOptions } from '../script/logs.ts'
import type { ListOptions, RemoveOptions, RollbackOptions, RunsOptions, ScopeOptions } from '../script/options.ts'
import type { RunOptions } from '../script/run.ts'
import { type Build, connected, gather, noun, verb } from '../shape.ts'
import { inCollection, ofJob, typeOption } from './job-scope.ts'
import { addScriptData } from './script-data.ts'

/** The commands of script jobs. */
export function addScripts(program: Command, build: Build): void {
  const script = noun(program, 'script', 'deploy scripts, run them, see what they do', [
    'jobyard script deploy ./report --name report --schedule "0 30 2 * * *"',
    'jobyard script run report --wait',
    'jobyard script logs report -f',
  ])
  addDeploy(script, build)
  addLooking(script, build)
  addRunning(script, build)
  addChanging(script, build)
  addScriptData(script, build)
}

function addDeploy(script: Command, { terminal }: Build): void {
  const command = verb(script, 'deploy <source>', 'upload a folder, a zip or a single file and make it a job', [
    'jobyard script deploy backup.sh --name backup',
    'jobyard script deploy report.py --name report --schedule "0 30 7 * * MON-FRI"',
    'jobyard script deploy poller.zip --name poller --continuous --singleton',
    'jobyard script deploy sync --name sync --env REGION=eu --secret API_KEY --retry 3',
  ])
    .requiredOption(
      '--name <name>',
      'name of the job, or number or id of one that is there; that one is updated and keeps settings and history',
    )
    .addOption(typeOption('type of the job, where there are two of that name (default of a new one: triggered)'))
    .optionsGroup('When it runs (default: by hand, or as settings.job in the package says):')
    .addOption(new Option('--continuous', 'for ever: started again whenever it ends').conflicts('schedule'))
    .option('--singleton', 'with --continuous: on one instance only')
    .option('--schedule <ncrontab>', 'six fields: {second} {minute} {hour} {day} {month} {day of week}')
    .option(
      '--time-zone <zone>',
      'with --schedule: IANA name such as Europe/Berlin (default: that of the app settings, else UTC)',
    )
    .addOption(
      new Option('--overlap <rule>', 'what happens to a trigger while it runs').choices([
        'forbid',
        'queue',
        'skip',
        'replace',
        'allow',
      ]),
    )
    .optionsGroup('What it gets:')
    .option('--env <NAME=VALUE>', 'an environment variable; may be given several times', gather)
    .option(
      '--secret <NAME[=VALUE]>',
      'a secret one; without a value it is read from this environment or asked for',
      gather,
    )
    .option('--unset <NAME>', 'take away a variable or secret that an earlier deployment set', gather)
    .option('--arg <value>', 'an argument for runs that bring none; may be given several times', gather)
    .optionsGroup('What it may use:')
    .option('--timeout <duration>', 'longest that a run may take, such as 5m')
    .option('--retry <times>', 'how often a failed run is tried again')
    .option('--retry-delay <duration>', 'wait before each further attempt (default: 30s)')
    .option('--memory <size>', 'memory of a run, at least 4MB, such as 512MB; none for no limit')
    .optionsGroup('Options:')
  connected(inCollection(command)).action(async (source: string, options: DeployOptions) => {
    await (await import('../script/deploy.ts')).deploy(terminal, source, options)
  })
}

function addLooking(script: Command, { terminal }: Build): void {
  const list = verb(script, 'list', 'list jobs with their state, last run and next run', [
    'jobyard script list',
    'jobyard script list --search report --json',
  ]).option('--search <text>', 'only jobs with this in their names')
  connected(inCollection(list)).action(async (options: ListOptions) => {
    await (await import('../script/look.ts')).listScripts(terminal, options)
  })
  const show = verb(script, 'show <name>', 'show all about a job', ['jobyard script show report'])
  connected(ofJob(show)).action(async (name: string, options: ScopeOptions) => {
    await (await import('../script/look.ts')).showScript(terminal, name, options)
  })
  const runs = verb(script, 'runs <name>', 'list the runs of a job, the newest first', [
    'jobyard script runs report',
    'jobyard script runs report --state failed --limit 100',
  ])
    .option('--state <states>', 'only runs in these states, separated by commas, such as failed,stopped')
    .option('--limit <count>', 'how many to list', '20')
  connected(ofJob(runs)).action(async (name: string, options: RunsOptions) => {
    await (await import('../script/look.ts')).listScriptRuns(terminal, name, options)
  })
  const logs = verb(script, 'logs <name>', 'print the output of the latest run, or of another', [
    'jobyard script logs report',
    'jobyard script logs report --run 12',
    'jobyard script logs poller --follow --tail 20    # goes on through restarts',
  ])
    .option('-f, --follow', 'go on with what comes, until the run ends; for a continuous job until Ctrl-C')
    .option('--run <number>', 'number of the run')
    .option('--tail <lines>', 'only the last lines')
  connected(ofJob(logs)).action(async (name: string, options: LogsOptions) => {
    await (await import('../script/logs.ts')).logs(terminal, name, options)
  })
}

function addRunning(script: Command, { terminal, result }: Build): void {
  const run = verb(script, 'run <name> [args...]', 'run a job once, now', [
    'jobyard script run report',
    'jobyard script run report --wait -- --month 11   # behind --: for the script',
    'jobyard script run import --wait --input orders.json',
  ])
    .option('-w, --wait', 'print the output as it comes and end with the exit code of the script')
    .option('-f, --follow', 'the same as --wait')
    .option('--input <file>', 'a file (- for standard input) that the script finds as JOBYARD_PAYLOAD_FILE')
  connected(ofJob(run)).action(async (name: string, args: string[], options: RunOptions) => {
    result.exit = await (await import('../script/run.ts')).run(terminal, name, args, options)
  })
  const start = verb(script, 'start <name>', 'let the triggers of a job work; a continuous job begins to run', [
    'jobyard script start poller',
  ])
  connected(ofJob(start)).action(async (name: string, options: ScopeOptions) => {
    await (await import('../script/change.ts')).startScript(terminal, name, options)
  })
  const stop = verb(script, 'stop <name>', 'keep the triggers of a job from working; a continuous job ends', [
    'jobyard script stop poller',
  ])
  connected(ofJob(stop)).action(async (name: string, options: ScopeOptions) => {
    await (await import('../script/change.ts')).stopScript(terminal, name, options)
  })
}

function addChanging(script: Command, { terminal }: Build): void {
  const rollback = verb(script, 'rollback <name>', 'go back to the package that was in use before, or to another one', [
    'jobyard script rollback report',
    'jobyard script rollback report --to 3f2a91c0d4e5',
  ])
    .addOption(new Option('--to <hash>', 'the package, by its hash or the beginning of it').conflicts('steps'))
    .option('--steps <count>', 'how many packages back (default: 1)')
  connected(ofJob(rollback)).action(async (name: string, options: RollbackOptions) => {
    await (await import('../script/change.ts')).rollbackScript(terminal, name, options)
  })
  const remove = verb(script, 'rm <name>', 'delete a job with its history; what runs is stopped', [
    'jobyard script rm report',
    'jobyard script rm report --yes',
  ]).option('-y, --yes', 'do not ask')
  connected(ofJob(remove)).action(async (name: string, options: RemoveOptions) => {
    await (await import('../script/change.ts')).removeScript(terminal, name, options)
  })
}
