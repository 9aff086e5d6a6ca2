/** A file as clients of WebJobs see it. */
export interface SiteFile {
  readonly type: 'file'
  readonly name: string
  readonly bytes: number
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** Opaque, without quotes; changes with the bytes. */
  readonly tag: string
  /**
   * The bytes from `from` on and before `to`, read as fast as they are taken; cancelling the stream frees what it holds.
   */
  open(range: { readonly from: number; readonly to: number }): Promise<ReadableStream<Uint8Array>>
}

/** A folder as clients of WebJobs see it. */
export interface SiteFolder {
  readonly type: 'folder'
  readonly name: string
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  list(): AsyncIterable<SiteFile | SiteFolder>
  find(name: string): Promise<SiteFile | SiteFolder | null>
}
