import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, rmdirSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { errorCode } from '../proc.ts'

let buffer: Buffer = Buffer.allocUnsafeSlow(16 * 1024)

/**
 * So many control files stay open from run to run, because opening one costs several times its use. Not all do: every
 * open file of this process makes its forks slower.
 */
const MOST_HELD = 512
let held = 0

/** How a control file is used. The kernel refuses to open a read-only one for writing. */
type Access = 'read' | 'read-write'

/** A control file of a group. */
export class ControlFile {
  readonly #path: string
  readonly #flags: number
  readonly #fd: number | undefined

  /**
   * `hold`: it must be one open file from beginning to end. Throws when there is no such file or it may not be used so.
   */
  constructor(path: string, access: Access = 'read-write', hold = false) {
    this.#path = path
    this.#flags = access === 'read' ? constants.O_RDONLY : constants.O_RDWR
    const fd = openSync(path, this.#flags)
    if (hold || held < MOST_HELD) {
      this.#fd = fd
      held++
    } else {
      closeSync(fd)
    }
  }

  /** The file when it is there and may be used so, else null. */
  static open(path: string, access: Access = 'read-write', hold = false): ControlFile | null {
    try {
      return new ControlFile(path, access, hold)
    } catch (error) {
      if (errorCode(error) === '') throw error
      return null
    }
  }

  write(value: string | number): void {
    this.#use((fd) => writeSync(fd, String(value)))
  }

  /** False when the kernel refuses the value, or the file was opened for reading. */
  tryWrite(value: string | number): boolean {
    try {
      this.write(value)
      return true
    } catch (error) {
      if (errorCode(error) === '') throw error
      return false
    }
  }

  /** The whole content; nothing when somebody else has removed the group. */
  read(): string {
    try {
      return this.#use(readWhole)
    } catch (error) {
      if (errorCode(error) === 'ENODEV' || errorCode(error) === 'ENOENT') return ''
      throw error
    }
  }

  readNumber(): number {
    return Number(this.read())
  }

  /** The number after `key` in a file of `key number` lines; 0 when there is none. */
  readKey(key: string): number {
    for (const line of this.read().split('\n')) {
      if (line.startsWith(key) && line[key.length] === ' ') return Number(line.slice(key.length + 1))
    }
    return 0
  }

  /** The process ids in a `cgroup.procs` file. */
  readPids(): number[] {
    const text = this.read()
    return text === '' ? [] : text.trimEnd().split('\n').map(Number)
  }

  /** Moves a process here. False when it has ended meanwhile. */
  writePid(pid: number): boolean {
    try {
      this.write(pid)
      return true
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return false
      throw error
    }
  }

  /** As {@link writePid}, but waits for the kernel beside the event loop. */
  async writePidLater(pid: number): Promise<boolean> {
    const fd = this.#fd ?? openSync(this.#path, this.#flags)
    try {
      await writeText(fd, String(pid))
      return true
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return false
      throw error
    } finally {
      if (this.#fd === undefined) closeSync(fd)
    }
  }

  close(): void {
    if (this.#fd === undefined) return
    held--
    closeSync(this.#fd)
  }

  #use<T>(act: (fd: number) => T): T {
    if (this.#fd !== undefined) return act(this.#fd)
    const fd = openSync(this.#path, this.#flags)
    try {
      return act(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function readWhole(fd: number): string {
  let length = 0
  for (;;) {
    const read = readSync(fd, buffer, length, buffer.length - length, length)
    length += read
    if (read === 0) return buffer.toString('latin1', 0, length)
    if (length === buffer.length) buffer = Buffer.concat([buffer], length * 2)
  }
}

const writeText = promisify((fd: number, text: string, done: (error: Error | null) => void) => write(fd, text, done))

/** Writes a control file once. Throws when it is not there or the kernel refuses the value. */
export function writeControl(path: string, value: string | number): void {
  const fd = openSync(path, constants.O_WRONLY)
  try {
    writeSync(fd, String(value))
  } finally {
    closeSync(fd)
  }
}

/** Writes a control file once. False when it is not there or the kernel refuses the value. */
export function tryWrite(path: string, value: string | number): boolean {
  try {
    writeControl(path, value)
    return true
  } catch (error) {
    if (errorCode(error) === '') throw error
    return false
  }
}

/** The processes in a group now; none when it has gone or may not be read. */
export function readPids(group: string): number[] {
  try {
    return readFileSync(`${group}/cgroup.procs`, 'latin1').split('\n').filter(Boolean).map(Number)
  } catch (error) {
    if (errorCode(error) === '') throw error
    return []
  }
}

/** Makes a group's folder, or takes the one that is there. False when that is not allowed or not possible. */
export function tryMakeGroup(path: string): boolean {
  try {
    mkdirSync(path)
  } catch (error) {
    if (errorCode(error) === '') throw error
    return errorCode(error) === 'EEXIST'
  }
  return true
}

/** Removes a group's folder. False when it is still in use; a missing one is as good as removed. */
export function removeGroup(path: string): boolean {
  try {
    rmdirSync(path)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false
    if (code !== 'ENOENT') throw error
  }
  return true
}
