import type { Clock } from '../../domain/clock.ts'
import { formatDuration } from '../../domain/durations.ts'
import type { Outcome, Reason, StopRequest, TaskContext, Usage } from '../../engine/kind.ts'
import type { ProcessExit, RunningProcess } from '../../process/contract.ts'

/** Milliseconds between SIGTERM and SIGKILL, when the grace is over. */
const TERM_MS = 2000

/** Milliseconds that an idle script has to end, at the most: one that does nothing does not clean up either. */
const IDLE_GRACE_MS = 5000

/** How a script's process is watched and ended. */
export interface SuperviseOptions {
  readonly process: RunningProcess
  readonly context: TaskContext
  /** Makes the shutdown file appear. */
  readonly requestStop: () => Promise<void>
  readonly stopSignal: 'after-grace' | 'at-once'
  /** Milliseconds without output and CPU time after which the run is ended; null: never. */
  readonly idleMs: number | null
  /** Grace when the supervision itself ends the run, in milliseconds; an idle one gets five seconds of it at the most. */
  readonly graceMs: number
  readonly limits: { readonly memory: string | undefined; readonly processes: number | undefined }
}

/** Waits for a script's end, ending it in steps when that is asked for, and says how it went. */
export async function supervise(options: SuperviseOptions): Promise<Outcome> {
  const { process, context } = options
  const ended = new AbortController()
  const idle = options.idleMs === null ? undefined : watchIdle(options, options.idleMs, ended.signal)
  let stopping: StopRequest | undefined
  const stop = (request: StopRequest): void => {
    if (stopping !== undefined) return
    stopping = request
    void endInSteps(options, request, ended.signal)
  }
  onAbort(context.signal, () => stop(context.signal.reason as StopRequest), ended.signal)
  onAbort(context.urgent, () => process.kill(), ended.signal)
  void idle?.then((reason) => reason !== null && stop({ reason, graceMs: Math.min(options.graceMs, IDLE_GRACE_MS) }))
  const exit = await process.exited
  // A reason of its own: without one an exception with a stack is made for every run.
  ended.abort('ended')
  return outcomeOf(exit, stopping?.reason, options)
}

function onAbort(signal: AbortSignal, act: () => void, until: AbortSignal): void {
  if (signal.aborted) act()
  else signal.addEventListener('abort', act, { once: true, signal: until })
}

/**
 * The shutdown file first, because many scripts watch only that; SIGTERM when the grace is over, or at once where the
 * job asks for it; two seconds later SIGKILL to the whole group.
 */
async function endInSteps(
  options: SuperviseOptions,
  { graceMs, reason }: StopRequest,
  ended: AbortSignal,
): Promise<void> {
  const { process, context, requestStop, stopSignal } = options
  if (graceMs <= 0) return process.kill()
  context.output('system', `Stopping: ${reason.text} The script has ${formatDuration(graceMs)} to end.\n`)
  await process.thaw()
  try {
    await requestStop()
  } catch (error) {
    context.output('system', `The shutdown file could not be made: ${(error as Error).message}\n`)
  }
  if (stopSignal === 'at-once') process.signal('SIGTERM')
  if (await isOver(context.clock, graceMs, ended)) return
  process.signal('SIGTERM')
  if (await isOver(context.clock, TERM_MS, ended)) return
  context.output('system', 'It did not end by itself and is killed.\n')
  process.kill()
}

/** Waits, but no longer than until the process has ended; true when it has. */
function isOver(clock: Clock, delay: number, ended: AbortSignal): Promise<boolean> {
  if (ended.aborted) return Promise.resolve(true)
  return new Promise((resolve) => {
    const timer = clock.after(delay, () => resolve(ended.aborted))
    const finish = (): void => {
      timer.cancel()
      resolve(true)
    }
    ended.addEventListener('abort', finish, { once: true })
  })
}

/** Resolves with a reason once the group has neither printed nor used CPU time for so long; null when it ended first. */
async function watchIdle(
  { process, context }: SuperviseOptions,
  idleMs: number,
  ended: AbortSignal,
): Promise<Reason | null> {
  const { clock } = context
  let last = await process.sample()
  let since = clock.elapsed()
  while (!(await isOver(clock, Math.min(1000, idleMs / 4), ended))) {
    const now = await process.sample()
    if (now.cpuMs !== last.cpuMs || now.outputBytes !== last.outputBytes) {
      last = now
      since = clock.elapsed()
    } else if (clock.elapsed() - since >= idleMs) {
      return { code: 'idle', text: `It neither printed nor used CPU time for ${formatDuration(idleMs)}.` }
    }
  }
  return null
}

function outcomeOf(exit: ProcessExit, stop: Reason | undefined, { limits }: SuperviseOptions): Outcome {
  const usage: Usage = { cpuMs: exit.cpuMs, peakBytes: exit.peakBytes, exitCode: exit.code }
  if (exit.lost) {
    return {
      state: 'failed',
      usage,
      reason: { code: 'lost', text: 'The process was lost: the warden that kept it died.' },
    }
  }
  if (stop !== undefined) {
    return stop.code === 'idle' ? { state: 'failed', usage, reason: stop } : { state: 'stopped', usage, reason: stop }
  }
  if (exit.code === 0) return { state: 'completed', usage }
  return { state: 'failed', usage, reason: failureOf(exit, limits) }
}

function failureOf(exit: ProcessExit, limits: SuperviseOptions['limits']): Reason {
  if (exit.limit === 'memory') {
    return { code: 'memory-limit', text: `It needed more memory than its limit of ${limits.memory ?? 'the machine'}.` }
  }
  if (exit.limit === 'processes') {
    const text = `It wanted more processes than its limit of ${limits.processes ?? 'the machine'}, and ended with exit code ${exit.code}.`
    return { code: 'process-limit', text }
  }
  if (exit.signal !== null) return { code: 'signal', text: `It was ended by the signal ${exit.signal}.` }
  return { code: 'exit-code', text: `It ended with exit code ${exit.code}.` }
}
