import { variableFault } from '../../domain/app-settings.ts'
import { JobyardError } from '../../domain/errors.ts'

/** What of the server's own environment jobs may see, PATH aside, which is made for them. Every `LC_*` too. */
const ALLOWED = new Set(['LANG', 'LANGUAGE', 'TZ'])

/** What Windows programs cannot start without. It could not be tried. */
const ALLOWED_ON_WINDOWS = new Set([
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'COMSPEC',
  'PATHEXT',
  'NUMBER_OF_PROCESSORS',
])

/** The most bytes that all names and values may have together, each counted with its `=` and its end. */
export const LARGEST_ENVIRONMENT = 128 * 1024

/** What the environment of a run is made from. */
export interface EnvironmentInput {
  /** The server's environment. Only what is on the allow list is taken. */
  readonly server: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  /** PATH of the jobs, see `pathForJobs`. */
  readonly path: string
  readonly userName: string
  readonly job: {
    readonly id: string
    readonly name: string
    /** Scheduled jobs are triggered ones here, as with Kudu. */
    readonly type: 'continuous' | 'triggered'
    readonly collection: string
  }
  readonly run: {
    readonly id: string
    /** The id that the run has for clients of WebJobs. */
    readonly webjobsId: string
    readonly taskId: string
    /** Counted from 1. */
    readonly attempt: number
    /** Why the run began, such as `manual` or `schedule`. */
    readonly trigger: string
    /** The arguments as the caller wrote them. */
    readonly arguments: string
  }
  readonly folders: {
    /** Top of the working copy, not the folder of the script in it. */
    readonly work: string
    readonly data: string
    readonly home: string
    readonly temporary: string
  }
  /** The file whose appearance means "stop now". */
  readonly shutdownFile: string
  /** The file that holds the body of the request that began the run, if there was one. */
  readonly payloadFile?: string
  /** A loopback port that is free for the job to listen on, if one was chosen (continuous jobs). */
  readonly port?: number
  /** Name of the instance that runs it. */
  readonly instance: string
  /** The deployment slot of the instance. */
  readonly slot: string
  /** The folder of the web site that jobs belong to. */
  readonly webRoot: string
  /** What WEBSITE_INSTANCE_ID says in place of the instance's name. */
  readonly instanceId?: string
  /** The app settings of the job's collection. */
  readonly appSettings: Readonly<Record<string, string>>
  /** The job's own settings. */
  readonly settings: Readonly<Record<string, string>>
}

/**
 * The whole environment of a script's process: the allow list, over it the app settings of its collection, over these the
 * job's own settings, over these what
 * describes the run: the WEBJOBS_ variables of Azure, each with a JOBYARD_ twin, and those that WebJobs have not. Nothing
 * else of the server's comes through. Throws 'environment-invalid' for a setting that no environment can hold, for
 * JOBYARD_MARK, and when all is larger than {@link LARGEST_ENVIRONMENT}.
 */
export function buildEnvironment(input: EnvironmentInput): Record<string, string> {
  checkSettings(input.appSettings, 'appSettings')
  checkSettings(input.settings)
  const said = { ...input.appSettings, ...input.settings }
  const environment = { ...basics(input), ...said, ...webjobs(input), ...twins(input) }
  checkSize(environment)
  return environment
}

/** What of the server's environment jobs may see; to be asked for once, because the environment of a process is slow to go through. */
export function allowedVariables(
  server: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const entries = Object.entries(server).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && isAllowed(pair[0], platform === 'win32'),
  )
  return Object.fromEntries(entries)
}

function basics(input: EnvironmentInput): Record<string, string> {
  const windows = (input.platform ?? process.platform) === 'win32'
  return {
    // Without a locale Python and Perl fall back to ASCII.
    LANG: 'C.UTF-8',
    ...allowedVariables(input.server, input.platform),
    PATH: input.path,
    HOME: input.folders.home,
    ...temporaryFolders(input.folders.temporary, windows),
    USER: input.userName,
    LOGNAME: input.userName,
    ...(windows ? { USERNAME: input.userName, USERPROFILE: input.folders.home } : { SHELL: '/bin/sh' }),
    // Python holds output back for kilobytes when it is no terminal, which makes a live log useless.
    PYTHONUNBUFFERED: '1',
    WEBSITE_SITE_NAME: input.job.collection,
    WEBSITE_SLOT_NAME: input.slot,
  }
}

function temporaryFolders(folder: string, windows: boolean): Record<string, string> {
  return windows ? { TEMP: folder, TMP: folder } : { TMPDIR: folder }
}

function isAllowed(name: string, windows: boolean): boolean {
  return ALLOWED.has(name) || name.startsWith('LC_') || (windows && ALLOWED_ON_WINDOWS.has(name.toUpperCase()))
}

/** What Kudu gives to a job's process. */
function webjobs(input: EnvironmentInput): Record<string, string> {
  const { job, run } = input
  const marker = job.type === 'continuous' ? 'WEBSITE_ALWAYS_ON_JOB_RUNNING_' : 'WEBSITE_TRIGGERED_JOB_RUNNING_'
  return {
    [`${marker}${job.name}`]: 'true',
    WEBSITE_INSTANCE_ID: input.instanceId ?? input.instance,
    WEBROOT_PATH: input.webRoot,
    WEBJOBS_PATH: input.folders.work,
    WEBJOBS_NAME: job.name,
    WEBJOBS_TYPE: job.type,
    WEBJOBS_DATA_PATH: input.folders.data,
    WEBJOBS_RUN_ID: job.type === 'continuous' ? '' : run.webjobsId,
    WEBJOBS_COMMAND_ARGUMENTS: run.arguments,
    WEBJOBS_SHUTDOWN_FILE: input.shutdownFile,
    ...(input.port === undefined ? {} : { WEBJOBS_PORT: String(input.port) }),
  }
}

function twins(input: EnvironmentInput): Record<string, string> {
  const { job, run, folders } = input
  return {
    JOBYARD_PATH: folders.work,
    JOBYARD_WEBROOT_PATH: input.webRoot,
    JOBYARD_NAME: job.name,
    JOBYARD_TYPE: job.type,
    JOBYARD_DATA_PATH: folders.data,
    JOBYARD_RUN_ID: run.id,
    JOBYARD_COMMAND_ARGUMENTS: run.arguments,
    JOBYARD_SHUTDOWN_FILE: input.shutdownFile,
    // JOBYARD_PORT would be the server's own, should the job start the command line.
    ...(input.port === undefined ? {} : { JOBYARD_JOB_PORT: String(input.port) }),
    JOBYARD_JOB_ID: job.id,
    JOBYARD_COLLECTION: job.collection,
    JOBYARD_TASK_ID: run.taskId,
    JOBYARD_ATTEMPT: String(run.attempt),
    JOBYARD_TRIGGER: run.trigger,
    JOBYARD_INSTANCE: input.instance,
    ...(input.payloadFile === undefined ? {} : { JOBYARD_PAYLOAD_FILE: input.payloadFile }),
  }
}

/**
 * Refuses settings that cannot become variables: names that are empty or hold `=` or NUL, values that hold NUL, and
 * JOBYARD_MARK. For use where settings are written, too, so that the mistake is seen before a run.
 */
export function checkSettings(settings: Readonly<Record<string, string>>, field = 'settings'): void {
  for (const [name, value] of Object.entries(settings)) {
    const fault = variableFault(name, value)
    if (fault !== undefined) throw invalid(`The setting ${JSON.stringify(name)} ${fault}.`, `${field}.${name}`)
  }
}

function checkSize(environment: Readonly<Record<string, string>>): void {
  let bytes = 0
  let largest = { name: '', bytes: 0 }
  for (const [name, value] of Object.entries(environment)) {
    const size = Buffer.byteLength(name) + Buffer.byteLength(value) + 2
    bytes += size
    if (size > largest.bytes) largest = { name, bytes: size }
  }
  if (bytes <= LARGEST_ENVIRONMENT) return
  throw invalid(
    `The environment of the job has ${bytes} bytes; at most ${LARGEST_ENVIRONMENT} can be given. The largest variable is ${largest.name} with ${largest.bytes}.`,
    'settings',
  )
}

function invalid(message: string, field: string): JobyardError {
  return new JobyardError('environment-invalid', message, { field })
}
