import { createHash } from 'node:crypto'

/** A file of a package. */
export interface PackageFile {
  /** Relative, with `/` between folders. */
  readonly path: string
  readonly bytes: number
  readonly executable: boolean
  /** Time of the last change, whole epoch milliseconds. */
  readonly modified: number
  /** SHA-256 of the contents, in hexadecimal. */
  readonly sha256: string
}

/** What a package consists of. */
export interface PackageTree {
  readonly files: readonly PackageFile[]
  /** Every folder below the top, relative, with `/` between folders. */
  readonly folders: readonly string[]
}

/** Compares two names by their bytes in UTF-8, the order in which a package is listed. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The same tree in the order of names. */
export function sortTree(tree: PackageTree): PackageTree {
  return {
    files: tree.files.toSorted((a, b) => compareNames(a.path, b.path)),
    folders: tree.folders.toSorted(compareNames),
  }
}

/** Begins every listing, so that a later way of listing can never give the hash of another package. */
const LISTING_VERSION = 'jobyard-package-1\n'

/**
 * The hash that names a package: SHA-256, in hexadecimal, over the sorted listing of its files (name, executable or
 * not, hash of the contents) and its folders. How it was uploaded, in what order, how well compressed and with
 * which times makes no difference.
 */
export function hashTree(tree: PackageTree): string {
  const { files, folders } = sortTree(tree)
  const hash = createHash('sha256').update(LISTING_VERSION)
  for (const file of files) hash.update(`${file.path}\0${file.executable ? 'x' : '-'}\0${file.sha256}\n`)
  for (const folder of folders) hash.update(`${folder}/\0\n`)
  return hash.digest('hex')
}

/** The folder that a file or folder lies in; empty for the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

/** Bytes of all files together. */
export function bytesOf(tree: PackageTree): number {
  return tree.files.reduce((sum, file) => sum + file.bytes, 0)
}
