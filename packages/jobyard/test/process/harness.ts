import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { ProcessHost, ProcessRequest, RunningProcess } from '../../src/process/contract.ts'
import { type ProcessHostOptions, startProcessHost } from '../../src/process/host.ts'
import { isAlive, listPids, readStat } from '../../src/process/proc.ts'
import { readMark } from '../../src/process/strays.ts'
import { eventually } from '../support/eventually.ts'
import { Sink } from './sink.ts'

/** A host with a sink for its output, and names that nobody else has. */
export interface Yard {
  readonly host: ProcessHost
  readonly sink: Sink
  readonly dataFolderId: string
  readonly fatal: Error[]
  /** Starts `sh -c script`. */
  shell(script: string, more?: Partial<ProcessRequest>): Promise<ShellRun>
}

/** A script that was started. */
export interface ShellRun {
  readonly process: RunningProcess
  readonly taskId: string
  readonly channel: number
  /** What it printed so far. */
  text(stream?: 'output' | 'error'): string
  /** Waits for its first line. */
  firstLine(): Promise<string>
}

/** The environment of scripts in these tests. */
export const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

/** Starts a host; it and its sink end with the test. */
export async function openYard(options: Partial<ProcessHostOptions> = {}): Promise<Yard> {
  const sink = await Sink.open()
  onTestFinished(() => sink.close())
  const dataFolderId = options.dataFolderId ?? randomUUID()
  const fatal: Error[] = []
  const host = await startProcessHost({
    dataFolderId,
    instanceId: randomUUID(),
    channel: sink.channel,
    clock: systemClock,
    onFatal: (error) => fatal.push(error),
    ...options,
  })
  onTestFinished(() => host.stop())
  let channel = 0
  return {
    host,
    sink,
    dataFolderId,
    fatal,
    async shell(script, more = {}) {
      const request: ProcessRequest = {
        taskId: randomUUID(),
        channel: ++channel,
        file: '/bin/sh',
        args: ['-c', script],
        cwd: '/',
        env: ENVIRONMENT,
        limits: {},
        ...more,
      }
      return shellRun(await host.start(request), request, sink)
    },
  }
}

function shellRun(process: RunningProcess, { taskId, channel }: ProcessRequest, sink: Sink): ShellRun {
  return {
    process,
    taskId,
    channel,
    text: (stream = 'output') => sink.text(channel, stream),
    firstLine: () => eventually('a line was printed', () => /^(.*)\n/.exec(sink.text(channel))?.[1]),
  }
}

/** Waits until a script's output is complete. */
export async function ended(yard: Yard, run: ShellRun): Promise<void> {
  await eventually('the output ended', () => yard.sink.of(run.channel).ended)
}

/** Living processes whose marker begins so, by their ids. */
export function findMarked(prefix: string): number[] {
  return listPids().filter((pid) => readMark(pid)?.startsWith(prefix) && isAlive(readStat(pid)))
}

/** The process id of the warden of a data folder. */
export function findWarden(dataFolderId: string): number | undefined {
  return findMarked(`${dataFolderId}.`).find((pid) => readMark(pid)?.endsWith('/warden'))
}

/** True while the process is there and no zombie. */
export function lives(pid: number): boolean {
  return isAlive(readStat(pid))
}

/** Waits until a process has died. */
export async function dies(pid: number, withinMs?: number): Promise<void> {
  await eventually(`process ${pid} died`, () => !lives(pid), withinMs)
}
