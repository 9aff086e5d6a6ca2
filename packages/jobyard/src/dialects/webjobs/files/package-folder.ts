import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { JobyardError } from '../../../domain/errors.ts'
import type { PackagePart } from '../../../kinds/script/compose.ts'
import { isSystemError } from '../../../kinds/script/system-error.ts'
import { streamOf } from '../../../services/file-stream.ts'
import { type EditedEntry, type EditedTree, pathOf } from '../../../services/package-edits/edited-tree.ts'
import type { SiteFile, SiteFolder } from './tree.ts'
import { type Times, viewOf } from './views.ts'

/** The tag of a file of a package: 16 digits, the beginning of its hash. */
export function tagOfPart({ sha256 }: Pick<PackagePart, 'sha256'>): string {
  return sha256.slice(0, 16)
}

/** The files of a job, and how to look them up again: bytes move when changes become a package. */
export interface PackageFiles {
  readonly tree: EditedTree
  again(): Promise<EditedTree | null>
}

/** A folder of a job's files; its top when `path` is empty. */
export function packageFolder(files: PackageFiles, path: string, name: string, times: Times): SiteFolder {
  const { tree } = files
  const show = (entry: EditedEntry): SiteFile | SiteFolder => {
    const whole = pathOf(entry)
    const own = whole.slice(whole.lastIndexOf('/') + 1)
    return entry.type === 'file' ? fileOf(own, entry.file, times, files) : packageFolder(files, whole, own, times)
  }
  const find = async (wanted: string) => {
    const found = tree.find(path === '' ? wanted : `${path}/${wanted}`)
    return found === null ? null : show(found)
  }
  return viewOf(name, times, () => tree.list(path).map(show), find)
}

function fileOf(name: string, part: PackagePart, { createdAt }: Times, files: PackageFiles): SiteFile {
  const { bytes, modified: modifiedAt } = part
  return {
    type: 'file',
    name,
    bytes,
    modifiedAt,
    createdAt: Math.min(createdAt, modifiedAt),
    tag: tagOfPart(part),
    open: async (range) => (await openPart(part, range)) ?? (await openAgain(part, range, files)),
  }
}

type Range = Parameters<SiteFile['open']>[0]

/** Null when the bytes are not where they were. */
async function openPart({ from }: PackagePart, range: Range): Promise<ReadableStream<Uint8Array> | null> {
  if (typeof from !== 'string') return new Blob([from.slice(range.from, range.to)]).stream()
  try {
    return streamOf(await open(from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)), range)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null
    throw error
  }
}

async function openAgain(part: PackagePart, range: Range, { again }: PackageFiles) {
  const found = (await again())?.find(part.path)
  const same = found?.type === 'file' && found.file.sha256 === part.sha256 ? await openPart(found.file, range) : null
  if (same !== null) return same
  throw new JobyardError('package-file-not-found', `${part.path} was changed meanwhile.`)
}
