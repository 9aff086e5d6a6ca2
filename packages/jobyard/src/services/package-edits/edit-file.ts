import type { EditAddress } from './draft.ts'

/** A file that lies complete in the folder of uploads, and goes from there. */
export interface EditFile {
  /** Relative to the job's folder, with `/` between folders. */
  readonly path: string
  readonly from: string
  readonly bytes: number
  readonly sha256: string
  /** Epoch milliseconds. Default: now. */
  readonly modified?: number
  /** Default: as the file was before, or not. */
  readonly executable?: boolean
}

/** Files and folders that are to be put into one job. */
export interface EditBatch {
  readonly address: EditAddress
  readonly files: readonly EditFile[]
  readonly folders: readonly string[]
}
