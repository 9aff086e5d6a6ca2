/** A file of the site, as it is served. */
export interface SiteFile {
  readonly type: 'file'
  readonly name: string
  readonly bytes: number
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** Opaque and without quotes; changes with the bytes. */
  readonly tag: string
  /** The bytes `from` to before `to`, with backpressure; cancelling the stream frees what it holds. */
  open(range: { readonly from: number; readonly to: number }): Promise<ReadableStream<Uint8Array>>
}

/** A folder of the site. */
export interface SiteFolder {
  readonly type: 'folder'
  readonly name: string
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  list(): AsyncIterable<SiteFile | SiteFolder>
  /** What the folder holds under this name; null when it holds nothing of that name. */
  find(name: string): Promise<SiteFile | SiteFolder | null>
}
