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
  /**
   * The file as it is now, held: what it says of itself and its bytes are of one and the same, even if somebody puts another
   * in its place. Files that nobody exchanges have no need of it.
   */
  hold?(): Promise<HeldSiteFile>
}

/** A file that is held; let go at the end, but for what was opened of it, which is read once and closes itself. */
export interface HeldSiteFile extends AsyncDisposable {
  readonly file: SiteFile
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
