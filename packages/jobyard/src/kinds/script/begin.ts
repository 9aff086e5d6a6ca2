import { basename, dirname, join } from 'node:path'
import { formatSize } from '../../domain/durations.ts'
import { JobyardError } from '../../domain/errors.ts'
import type { TaskRow } from '../../domain/model.ts'
import { showRunId } from '../../domain/webjobs-run-id.ts'
import type { KindLimits, Outcome, StopRequest, TaskContext } from '../../engine/kind.ts'
import type { ProcessHost } from '../../process/contract.ts'
import type { Repository } from '../../store/procedures/index.ts'
import type { Sealer } from '../../store/seal.ts'
import { joinArguments } from './arguments.ts'
import { buildEnvironment } from './environment.ts'
import { commandLine, type FoundInterpreter, type Interpreter } from './interpreters.ts'
import type { JobPorts } from './ports.ts'
import { scriptLimits, type UsualLimits } from './limits.ts'
import { openSecrets, type PackageDetail } from './prepare.ts'
import type { JobsUser } from './run-as.ts'
import type { ScriptSpec } from './spec.ts'
import { supervise } from './supervise.ts'
import type { WorkingCopy } from './working-copies.ts'
import type { Workspaces } from './workspace.ts'
import type { RunPlace } from './workspace-run.ts'

/** What scripts are run with. */
export interface ScriptParts {
  readonly workspaces: Workspaces
  readonly host: ProcessHost
  readonly store: Repository
  readonly sealer: Sealer
  readonly user: JobsUser
  /** PATH of the jobs, see `pathForJobs`. */
  readonly path: string
  /** The server's environment, of which only an allow list reaches jobs. */
  readonly serverEnvironment: Readonly<Record<string, string | undefined>>
  /** Name of this instance. */
  readonly instance: string
  readonly interpreter: (host: PackageDetail['script']['host']) => Interpreter
  /** What is stored of a package; the same few are asked for again and again. */
  readonly packageDetail: (hash: string) => Promise<PackageDetail>
  readonly collectionName: (id: string) => Promise<string>
  /** Ports for continuous jobs to listen on. */
  readonly ports: JobPorts
  /** The folder of the web site that the jobs of a collection belong to; undefined where there is none. */
  readonly webRoot?: (collection: string) => Promise<string | undefined>
  /** The deployment slot of this instance. */
  readonly slot: string
  /** Limits of jobs that name none; undefined: no limit. */
  readonly defaults: UsualLimits
}

interface Prepared {
  readonly copy: WorkingCopy
  readonly place: RunPlace
  readonly detail: PackageDetail
  readonly interpreter: FoundInterpreter
}

/** Runs a script once: working copy, environment, process, and how it ended. */
export async function beginScript(
  parts: ScriptParts,
  task: TaskRow,
  spec: ScriptSpec,
  context: TaskContext,
): Promise<Outcome> {
  const hash = context.run.packageHash
  if (hash === null) throw new JobyardError('package-missing', `The job ${context.job.name} has no package.`)
  const detail = await parts.packageDetail(hash)
  describeRun(parts, detail, context)
  const interpreter = parts.interpreter(detail.script.host)
  if (interpreter.missing) throw new JobyardError('interpreter-missing', interpreter.message)
  const { file } = detail.script
  const copy = await parts.workspaces.acquire({
    jobId: context.job.id,
    hash,
    script: file,
    inPlace: inPlace(spec, file),
  })
  try {
    const place = await parts.workspaces.prepareRun(context.job.id, await payloadOf(parts, context))
    try {
      return await runProcess(parts, task, spec, context, { copy, place, detail, interpreter })
    } finally {
      await place.remove()
    }
  } finally {
    copy.release()
  }
}

/** What logs tell of a run, and nobody knows any more once its package and this instance are gone. */
function describeRun(
  { instance }: ScriptParts,
  { script }: PackageDetail,
  { describe, job, settings }: TaskContext,
): void {
  const { instanceId, alwaysOn } = settings.steering
  describe({
    instance,
    script: basename(script.file),
    host: script.host,
    ...(instanceId === null ? {} : { instanceId }),
    ...(alwaysOn || job.type !== 'continuous' ? {} : { alwaysOn: 'off' }),
  })
}

function inPlace({ inPlace: said, settings }: ScriptSpec, file: string): boolean {
  const fromPackage = (settings as { isInPlace?: boolean } | undefined)?.isInPlace
  return said ?? fromPackage ?? file.toLowerCase().endsWith('.js')
}

/** The body that came with the run; for a run that follows another, what there is to say of that one. */
async function payloadOf({ store }: ScriptParts, { run }: TaskContext): Promise<Uint8Array | undefined> {
  if (run.why === 'after' || run.why === 'failure') return Buffer.from(`${JSON.stringify(run.detail)}\n`)
  if (run.detail.payload === undefined) return undefined
  return (await store.read('getPayload', { runId: run.id }))?.body
}

async function runProcess(
  parts: ScriptParts,
  task: TaskRow,
  spec: ScriptSpec,
  context: TaskContext,
  prepared: Prepared,
): Promise<Outcome> {
  const { copy, place } = prepared
  if (copy.changes.length > 0) context.describe({ changes: String(copy.changes.length) })
  for (const change of copy.changes) context.output('system', `${change}\n`)
  const args = context.run.args.length > 0 ? context.run.args : (spec.args ?? [])
  const limits = scriptLimits(context.job, context.settings.steering, parts.defaults)
  const port = context.job.type === 'continuous' ? await parts.ports.take(context.job.id, task.id) : undefined
  try {
    const env = await environmentOf(parts, task, spec, context, { place, copy, args, port })
    return await startAndWatch(parts, task, context, prepared, { args, env, limits })
  } finally {
    parts.ports.release(context.job.id, task.id)
  }
}

async function startAndWatch(
  parts: ScriptParts,
  task: TaskRow,
  context: TaskContext,
  { copy, place, detail, interpreter }: Prepared,
  { args, env, limits }: { args: readonly string[]; env: Record<string, string>; limits: KindLimits },
): Promise<Outcome> {
  const { file } = detail.script
  const channel = await context.openChannel()
  let process: Awaited<ReturnType<ProcessHost['start']>>
  try {
    const request = {
      taskId: task.id,
      channel,
      file: interpreter.file,
      args: commandLine(interpreter, basename(file), args),
      cwd: join(copy.folder, dirname(file)),
      env,
      ...(parts.user.own ? {} : { user: { uid: parts.user.uid, gid: parts.user.gid } }),
      limits: boundsOf(limits),
    }
    process = await parts.host.start(request, context.signal)
  } catch (error) {
    context.channelUnused()
    // Asked to end before it began. Its work may be another instance's by now, so it must not begin at all.
    if (context.signal.aborted) return { state: 'stopped', reason: (context.signal.reason as StopRequest).reason }
    throw error
  }
  context.freezable(
    () => process.freeze(),
    () => process.thaw(),
  )
  return await supervise({
    process,
    context,
    requestStop: () => place.requestStop(),
    stopSignal: limits.stopSignal.value,
    idleMs: limits.idleMs.value,
    graceMs: limits.graceMs.value,
    limits: {
      memory: limits.memoryBytes.value === null ? undefined : formatSize(limits.memoryBytes.value),
      processes: limits.processes.value ?? undefined,
    },
  })
}

/** The bounds of a process; absent where there are none. */
function boundsOf({ memoryBytes: { value: memoryBytes }, processes: { value: processes } }: KindLimits) {
  return { ...(memoryBytes === null ? {} : { memoryBytes }), ...(processes === null ? {} : { processes }) }
}

async function environmentOf(
  parts: ScriptParts,
  task: TaskRow,
  spec: ScriptSpec,
  { job, run, settings }: TaskContext,
  {
    place,
    copy,
    args,
    port,
  }: { place: RunPlace; copy: WorkingCopy; args: readonly string[]; port: number | undefined },
): Promise<Record<string, string>> {
  const said = run.detail.arguments
  const collection = await parts.collectionName(job.collectionId)
  return buildEnvironment({
    server: parts.serverEnvironment,
    path: parts.path,
    userName: parts.user.name,
    job: {
      id: job.id,
      name: job.name,
      type: job.type === 'continuous' ? 'continuous' : 'triggered',
      collection,
    },
    run: {
      id: run.id,
      webjobsId: showRunId(run),
      taskId: task.id,
      attempt: task.attempt,
      trigger: run.why,
      arguments: typeof said === 'string' ? said : joinArguments(args),
    },
    folders: { work: copy.folder, data: place.data, home: place.home, temporary: place.temporary },
    shutdownFile: place.shutdownFile,
    ...(place.payloadFile === undefined ? {} : { payloadFile: place.payloadFile }),
    instance: parts.instance,
    slot: parts.slot,
    webRoot: (await parts.webRoot?.(collection)) ?? copy.folder,
    ...(port === undefined ? {} : { port }),
    appSettings: settings.variables,
    ...(settings.steering.instanceId === null ? {} : { instanceId: settings.steering.instanceId }),
    settings: { ...spec.env, ...openSecrets(job.name, spec, parts.sealer) },
  })
}
