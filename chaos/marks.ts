import { closeSync, openSync, readSync } from 'node:fs'

/** What a script wrote down of itself. */
export interface Mark {
  readonly sort: 'start' | 'end' | 'beat' | 'child' | 'overlap'
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
  readonly instance: string
  readonly pid: number
  /** Epoch milliseconds, with a fraction. */
  readonly at: number
  /** Exit code of an `end`, lock of an `overlap`. */
  readonly detail: string
}

/** What is known of one attempt from its marks. */
export interface Lifetime {
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
  readonly instance: string
  readonly starts: number[]
  /** Exit codes that it said it would end with. */
  readonly ends: string[]
  /** Locks that somebody else held. */
  readonly overlaps: string[]
  first: number
  last: number
}

const CHUNK_BYTES = 1024 * 1024

/** Reads the file of marks as it grows, and keeps what it says of each attempt. */
export class Marks {
  readonly lifetimes = new Map<string, Lifetime>()
  count = 0
  /** Lines that no script of ours writes. */
  readonly strange: string[] = []
  readonly #path: string
  #offset = 0
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  /** Takes in what was written since the last time. */
  readNew(): void {
    const fd = openSync(this.#path, 'r')
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    try {
      for (;;) {
        const bytes = readSync(fd, buffer, 0, buffer.length, this.#offset)
        if (bytes === 0) return
        this.#offset += bytes
        const lines = (this.#rest + buffer.toString('latin1', 0, bytes)).split('\n')
        this.#rest = lines.pop() ?? ''
        for (const line of lines) this.take(line)
      }
    } finally {
      closeSync(fd)
    }
  }

  /** Takes in one line. */
  take(line: string): void {
    const mark = parseMark(line)
    if (mark === undefined) {
      this.strange.push(line)
      return
    }
    this.count++
    const { runId, taskId, attempt, instance, at } = mark
    let lifetime = this.lifetimes.get(taskId)
    if (lifetime === undefined) {
      lifetime = { runId, taskId, attempt, instance, starts: [], ends: [], overlaps: [], first: at, last: at }
      this.lifetimes.set(taskId, lifetime)
    }
    lifetime.first = Math.min(lifetime.first, at)
    lifetime.last = Math.max(lifetime.last, at)
    if (mark.sort === 'start') lifetime.starts.push(mark.pid)
    if (mark.sort === 'end') lifetime.ends.push(mark.detail)
    if (mark.sort === 'overlap') lifetime.overlaps.push(mark.detail)
  }
}

const SORTS: readonly string[] = ['start', 'end', 'beat', 'child', 'overlap'] satisfies Mark['sort'][]

function isSort(word: string): word is Mark['sort'] {
  return SORTS.includes(word)
}

/** One line of the file; undefined when it is none. */
export function parseMark(line: string): Mark | undefined {
  const [sort = '', runId = '', taskId = '', attempt = '', instance = '', pid = '', time = '', detail] = line.split(' ')
  if (detail === undefined || !isSort(sort) || !/^\d+$/.test(time)) return undefined
  return {
    sort,
    runId,
    taskId,
    attempt: Number(attempt),
    instance,
    pid: Number(pid),
    at: Number(time) / 1e6,
    detail,
  }
}
