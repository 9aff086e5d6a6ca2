import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { LimitSupport, ProcessExit, ProcessLimits } from '../../src/process/contract.ts'
import { sweepStrays } from '../../src/process/strays.ts'
import { eventually } from '../support/eventually.ts'

const PROGRAM = fileURLToPath(new URL('./programs/server.ts', import.meta.url))

/** An end as the program tells it. */
export interface ToldExit extends ProcessExit {
  readonly index: number
  readonly output: string
  readonly error: string
}

/** A server process of its own with jobs of its own. */
export interface SmallServer {
  readonly child: ChildProcess
  readonly pids: readonly number[]
  readonly support: LimitSupport
  readonly exits: readonly ToldExit[]
  end(signal: NodeJS.Signals): Promise<void>
}

/** How a small server is set up; see the program. */
export interface SmallServerOptions {
  readonly dataFolderId: string
  readonly scripts: readonly { readonly script: string; readonly limits?: ProcessLimits }[]
  readonly instanceId?: string
  readonly silentAfterMs?: number
  readonly beatMs?: number
  /** The system user to run as. */
  readonly uid?: number
}

interface Told {
  pids?: number[]
  support?: LimitSupport
  exits?: ToldExit[]
}

/** Starts one and waits until its jobs run. Whatever it leaves is removed when the test has finished. */
export async function startSmallServer({ uid, ...options }: SmallServerOptions): Promise<SmallServer> {
  const setup = { instanceId: 'one', ...options }
  // What a killed server cannot remove itself lies here.
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-server-'))
  chmodSync(folder, 0o777)
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(setup)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await gone
    await sweepStrays({ marked: { dataFolderId: options.dataFolderId }, clock: systemClock })
    rmSync(folder, { recursive: true, force: true })
  })
  const told: Required<Told> = { pids: [], support: { memory: 'none', processes: 'none', notes: [] }, exits: [] }
  let ready = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    const news = JSON.parse(line) as Told
    Object.assign(told, news)
    ready ||= news.support !== undefined
  })
  await eventually('the server started its jobs', () => ready || child.exitCode !== null)
  return {
    child,
    pids: told.pids,
    support: told.support,
    get exits() {
      return told.exits
    },
    async end(signal) {
      child.kill(signal)
      await gone
    },
  }
}
