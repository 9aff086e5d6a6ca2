import { openSource, type UploadOptions, type UploadSource } from './packages.ts'
import { streamOf } from './stream.ts'
import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type { DataFolder, DataItem, JobScope } from './types.ts'

/** What jobs keep in their data folders. Paths have `/` between folders, and none before them. */
export class Data {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** What lies in a folder; in the data folder itself without a path. Fails with `data-unknown`. */
  async list(job: string, path = '', scope: JobScope = {}): Promise<readonly DataItem[]> {
    const call = { method: 'GET', path: addressOf(job, path), query: { ...scope } } as const
    return (await this.#transport.json<DataFolder>(call)).items
  }

  /** The contents of a file. Fails with `data-unknown`. */
  async read(job: string, path: string, scope: JobScope = {}): Promise<ReadableStream<Uint8Array>> {
    const call = { method: 'GET', path: addressOf(job, path), query: { ...scope }, accept: '*/*' } as const
    return (await this.#transport.response(call)).body ?? streamOf([])
  }

  /** Puts a file, and makes the folders above it. What comes as a stream is not sent again when the connection fails. */
  async put(
    job: string,
    path: string,
    source: UploadSource,
    scope: JobScope = {},
    { signal, onProgress }: UploadOptions = {},
  ): Promise<DataItem> {
    return await this.#transport.json<DataItem>({
      method: 'PUT',
      path: addressOf(job, path),
      query: { ...scope },
      headers: { 'content-type': 'application/octet-stream' },
      stream: () => openSource(source, onProgress),
      ...(source instanceof Blob ? { file: { blob: source, onProgress } } : {}),
      repeatable: source instanceof Blob || source instanceof Uint8Array,
      timeoutMs: 0,
      signal,
    })
  }

  /** Takes a file or folder away; a folder that is not empty only with `recursive`. Fails with `data-unknown`. */
  async remove(job: string, path: string, scope: JobScope & { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: addressOf(job, path), query: { ...scope } })
  }
}

function addressOf(job: string, path: string): string {
  return pathOf('v1', 'jobs', job, 'data', ...path.split('/').filter((part) => part !== ''))
}
