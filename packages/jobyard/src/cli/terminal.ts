import { homedir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { type Clock, systemClock } from '../domain/clock.ts'

/** A place to write to, perhaps a terminal. */
export type Sink = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** A place to read from, perhaps a terminal. */
export type Origin = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }

/** Everything that a command touches of the world around it, so that tests can stand in for it. */
export interface Terminal {
  readonly stdin: Origin
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Readonly<Record<string, string | undefined>>
  /** The current folder. */
  readonly folder: string
  /** The user's home, where the login is kept. */
  readonly home: string
  readonly clock: Clock
  /**
   * A signal that aborts at Ctrl-C or SIGTERM. Asking for it takes these over from the system, which would end the
   * process at once; a second Ctrl-C still does.
   */
  interrupted(): AbortSignal
}

/** A user of whom the system knows nothing, as in some containers, has no home: the top of all folders stands for it. */
function homeOfUser(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}

/** The terminal, or whatever stands in for one, that this process was started from. */
export function systemTerminal(): Terminal {
  const controller = new AbortController()
  let taken = false
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    folder: process.cwd(),
    home: homeOfUser(),
    clock: systemClock,
    interrupted() {
      if (!taken) {
        taken = true
        for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(new Interrupted()))
      }
      return controller.signal
    },
  }
}

/** Somebody pressed Ctrl-C, or the system asked the command to end. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted.')
    this.name = 'Interrupted'
  }
}

/** Writes and waits until it is taken, so that a slow reader slows the command down and nothing piles up. */
export async function write(sink: Sink, data: string | Uint8Array): Promise<void> {
  if (sink.destroyed) return
  await new Promise<void>((resolve, reject) => {
    sink.write(data, (error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
}
