import { followLive, QUIET_MS, readChunks } from './live.ts'
import { streamOf } from './stream.ts'
import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type { OutputEnd, OutputEntry, OutputPage } from './types.ts'

/** Whose output: a run's (its latest attempt, or the one named), given by its id or in full, or a task's. */
export type OutputSource = string | { readonly run: string; readonly attempt?: number } | { readonly task: string }

/** Which part of an output to read. */
export interface OutputPart {
  /** Only entries with a greater seq; default 0. */
  readonly after?: number
  /** About how many bytes the page may have; default: the server's, 256 KiB. */
  readonly maxBytes?: number
  /** The newest entries that fit, instead of the oldest. */
  readonly tail?: boolean
  readonly signal?: AbortSignal
}

/** The output of runs and tasks. */
export class Output {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** A page of entries. */
  async page(source: OutputSource, part: OutputPart = {}): Promise<OutputPage> {
    const { path, query } = addressOf(source)
    const { signal, tail, ...rest } = part
    return await this.#transport.json<OutputPage>({
      method: 'GET',
      path,
      query: { ...query, ...rest, tail: tail === true ? 1 : undefined },
      signal,
    })
  }

  /** The whole log as raw bytes of all streams, as it is now. The stream errors with a problem when the connection breaks. */
  async text(source: OutputSource, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const call = { method: 'GET', ...addressOf(source), accept: 'text/plain', signal } as const
    const { body } = await this.#transport.response(call)
    return streamOf(body === null ? [] : readChunks(body, QUIET_MS, this.#transport.base.origin))
  }

  /**
   * The entries as they come, from the beginning or behind `after`, until the task ends, or all attempts of the run do; what the server says at the end
   * is the return value. A broken connection is made again without losing or repeating any. Rejects when the
   * signal aborts, or when the server stays away for about a minute.
   */
  async *follow(
    source: OutputSource,
    options: {
      readonly after?: number
      readonly signal?: AbortSignal
      /** Called where the output of another attempt begins; its entries count from 1 again. */
      readonly onAttempt?: (attempt: number) => void
      /** Called whenever a connection is made. */
      readonly onOpen?: () => void
      /** Called whenever a connection has ended or could not be made, and another is about to be sought. */
      readonly onBreak?: () => void
    } = {},
  ): AsyncGenerator<OutputEntry, OutputEnd, undefined> {
    const after = options.after === undefined ? undefined : String(options.after)
    const { signal, onOpen, onBreak } = options
    const live = followLive(this.#transport, addressOf(source), { after, signal, onOpen, onBreak })
    for await (const { event, data } of live) {
      if (event === 'end') return JSON.parse(data) as OutputEnd
      if (event === 'attempt') options.onAttempt?.((JSON.parse(data) as { attempt: number }).attempt)
      if (event === 'output') yield JSON.parse(data) as OutputEntry
    }
    // A live stream only ends by a word that it has ended.
    throw new TypeError('unreachable')
  }
}

/** The bytes of an entry, whichever way it was sent. */
export function bytesOf(entry: OutputEntry): Uint8Array {
  if (entry.base64 !== undefined) return Uint8Array.fromBase64(entry.base64)
  return new TextEncoder().encode(entry.text ?? '')
}

function addressOf(source: OutputSource): { path: string; query: { attempt?: number } } {
  if (typeof source === 'string') return { path: pathOf('v1', 'runs', source, 'output'), query: {} }
  if ('task' in source) return { path: pathOf('v1', 'tasks', source.task, 'output'), query: {} }
  const { run, attempt } = source
  return { path: pathOf('v1', 'runs', run, 'output'), query: attempt === undefined ? {} : { attempt } }
}
