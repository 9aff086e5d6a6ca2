import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { PackagePart } from '../../../kinds/script/compose.ts'
import { streamOf } from '../../../services/file-stream.ts'
import { type EditedEntry, type EditedTree, pathOf } from '../../../services/package-edits/edited-tree.ts'
import type { SiteFile, SiteFolder } from './tree.ts'
import { type Times, viewOf } from './views.ts'

/** The tag of a file of a package: 16 digits, the beginning of its hash. */
export function tagOfPart({ sha256 }: Pick<PackagePart, 'sha256'>): string {
  return sha256.slice(0, 16)
}

/** A folder of a job's files; its top when `path` is empty. */
export function packageFolder(tree: EditedTree, path: string, name: string, times: Times): SiteFolder {
  const show = (entry: EditedEntry): SiteFile | SiteFolder => {
    const whole = pathOf(entry)
    const own = whole.slice(whole.lastIndexOf('/') + 1)
    return entry.type === 'file' ? fileOf(own, entry.file, times) : packageFolder(tree, whole, own, times)
  }
  const find = async (wanted: string) => {
    const found = tree.find(path === '' ? wanted : `${path}/${wanted}`)
    return found === null ? null : show(found)
  }
  return viewOf(name, times, () => tree.list(path).map(show), find)
}

function fileOf(name: string, part: PackagePart, { createdAt }: Times): SiteFile {
  const { bytes, modified: modifiedAt, from } = part
  return {
    type: 'file',
    name,
    bytes,
    modifiedAt,
    createdAt: Math.min(createdAt, modifiedAt),
    tag: tagOfPart(part),
    async open(range) {
      if (typeof from !== 'string') return new Blob([from.slice(range.from, range.to)]).stream()
      return streamOf(await open(from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)), range)
    },
  }
}
