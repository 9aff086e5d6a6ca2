import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePipeFolder } from '../pipe-folders.ts'

/** Pipes made at a time, by one mkfifo for all of them: at first so many, then as many as there are, up to the most. */
const FIRST_BATCH = 32
const LARGEST_BATCH = 512
/** Linux, open(2): a reference to a file that does not open it. Node does not name it. */
const O_PATH = 0o10000000
const ANY_USER = -1

/** Elsewhere a file cannot be held without opening it, so the pipes keep their names until the warden leaves. Untried. */
const IS_LINUX = process.platform === 'linux'

/** A named pipe that has lost its name; it can be opened by a path below /proc as long as its anchor is held. */
export interface PipeSlot {
  readonly path: string
  readonly anchor: number | undefined
  readonly user: number
}

/** Both ends of a pipe, open. */
export interface PipeEnds {
  readonly slot: PipeSlot
  /** Does not block. */
  readonly read: number
  /** Blocks; for the process. */
  readonly write: number
}

/**
 * Pipes for the output of processes. Node itself connects children by sockets, on which `echo > /dev/stderr` fails with
 * ENXIO, and cannot make pipes. So named pipes are made, many at a time, unlinked at once and used again for later
 * runs; opening one costs the same as Node's socket pair. They are open to every user, because a process of another
 * user opens its /dev/stderr by the pipe's own permissions; without a name nobody else can find them. A pipe only
 * serves processes of one user.
 */
export class PipePool {
  readonly #idle = new Map<number, PipeSlot[]>()
  /** Where pipes still have names. */
  readonly #folders: string[] = []
  #made = 0
  readonly #dataFolderId: string

  /** `dataFolderId`: what a folder is found by that a killed warden left with pipes which still have names. */
  constructor(dataFolderId: string) {
    this.#dataFolderId = dataFolderId
  }

  /** Opens a pipe for a process of this user. Throws when no pipe can be made. */
  open(user = ANY_USER): PipeEnds {
    const slot = this.#take(user)
    const read = openSync(slot.path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return { slot, read, write: openSync(slot.path, constants.O_WRONLY) }
    } catch (error) {
      closeSync(read)
      this.giveBack(slot, true)
      throw error
    }
  }

  /** `unused`: its end was seen, so nobody holds it any more. Otherwise it is given up. */
  giveBack(slot: PipeSlot, unused: boolean): void {
    if (unused) this.#idle.get(slot.user)?.push(slot)
    else if (slot.anchor !== undefined) closeSync(slot.anchor)
  }

  /** Makes the first pipes of a user ahead of need. */
  prepare(user = ANY_USER): void {
    this.giveBack(this.#take(user), true)
  }

  /** Removes what has a name; the pipes cannot be opened after that. */
  close(): void {
    for (const folder of this.#folders) rmSync(folder, { recursive: true })
  }

  #take(user: number): PipeSlot {
    let idle = this.#idle.get(user)
    if (!idle) {
      idle = []
      this.#idle.set(user, idle)
    }
    if (idle.length === 0) {
      idle.push(...this.#make(user, Math.min(Math.max(this.#made, FIRST_BATCH), LARGEST_BATCH)))
      this.#made += idle.length
    }
    const slot = idle.pop()
    if (!slot) throw new Error('mkfifo made no pipes')
    return slot
  }

  #make(user: number, count: number): PipeSlot[] {
    const folder = makePipeFolder(this.#dataFolderId)
    try {
      const names = Array.from({ length: count }, (_, number) => join(folder, String(number)))
      makeNamedPipes(names)
      if (!IS_LINUX) return names.map((path) => ({ path, anchor: undefined, user }))
      return names.map((name) => {
        const anchor = openSync(name, O_PATH)
        return { path: `/proc/self/fd/${anchor}`, anchor, user }
      })
    } finally {
      if (IS_LINUX) rmSync(folder, { recursive: true })
      else this.#folders.push(folder)
    }
  }
}

/** Any user may open them; see {@link PipePool}. */
function makeNamedPipes(names: readonly string[]): void {
  const made = spawnSync('mkfifo', ['-m', '666', ...names], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  if (made.error) throw new Error(`mkfifo cannot be run, so there are no pipes for output: ${made.error.message}`)
  if (made.status !== 0) throw new Error(`mkfifo cannot make pipes for output: ${made.stderr.trim()}`)
}
