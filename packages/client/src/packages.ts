import { streamOf } from './stream.ts'
import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type { PackageFile, PackageInfo, Page } from './types.ts'

/** What can be uploaded. A file of the disk becomes a Blob by `await fs.openAsBlob(path)`, which does not read it at once. */
export type UploadSource = Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** How an upload goes. */
export interface UploadOptions {
  /** Told how many bytes have been handed to the connection so far, and how many there are if that is known. */
  readonly onProgress?: (sent: number, total: number | undefined) => void
  readonly signal?: AbortSignal
}

/** Uploaded packages. */
export class Packages {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Uploads a zip archive or a single script. A zip's name ends with `.zip`; a script's name says what runs it. What was
   * uploaded belongs to no job until one names its hash. An upload from a stream is not repeated when the connection fails.
   */
  async upload(source: UploadSource, fileName: string, options: UploadOptions = {}): Promise<PackageInfo> {
    const { onProgress, signal } = options
    return await this.#transport.json<PackageInfo>({
      method: 'POST',
      path: '/v1/packages',
      query: { filename: fileName },
      headers: { 'content-type': /\.zip$/i.test(fileName) ? 'application/zip' : 'application/octet-stream' },
      stream: () => openSource(source, onProgress),
      ...(source instanceof Blob ? { file: { blob: source, onProgress } } : {}),
      repeatable: lengthOf(source) !== undefined,
      timeoutMs: 0,
      signal,
    })
  }

  /** What a package is. Fails with `package-not-found`. */
  async get(hash: string): Promise<PackageInfo> {
    return await this.#transport.json<PackageInfo>({ method: 'GET', path: pathOf('v1', 'packages', hash) })
  }

  /** The files of a package. */
  async files(hash: string): Promise<readonly PackageFile[]> {
    const path = pathOf('v1', 'packages', hash, 'files')
    return (await this.#transport.json<Page<PackageFile>>({ method: 'GET', path })).items
  }

  /** The contents of a file of a package. */
  async file(hash: string, path: string): Promise<ReadableStream<Uint8Array>> {
    const address = pathOf('v1', 'packages', hash, 'files', ...path.split('/'))
    const { body } = await this.#transport.response({ method: 'GET', path: address, accept: '*/*' })
    return body ?? streamOf([])
  }
}

/** The bytes of a source; its length is known beforehand where it is in memory or on the disk. */
export function openSource(source: UploadSource, onProgress: UploadOptions['onProgress']): ReadableStream<Uint8Array> {
  return counted(open(source), lengthOf(source), onProgress)
}

function lengthOf(source: UploadSource): number | undefined {
  if (source instanceof Blob) return source.size
  return source instanceof Uint8Array ? source.byteLength : undefined
}

function open(source: UploadSource): ReadableStream<Uint8Array> {
  if (source instanceof Blob) return source.stream()
  if (source instanceof Uint8Array) return new Blob([source]).stream()
  return source instanceof ReadableStream ? source : streamOf(source)
}

function counted(
  source: ReadableStream<Uint8Array>,
  total: number | undefined,
  onProgress: UploadOptions['onProgress'],
): ReadableStream<Uint8Array> {
  if (onProgress === undefined) return source
  let sent = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sent += chunk.byteLength
      onProgress(sent, total)
      controller.enqueue(chunk)
    },
  })
  return source.pipeThrough(counter)
}
