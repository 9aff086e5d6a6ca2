import { createHash } from 'node:crypto'
import type { JobRow } from '../../domain/model.ts'
import { SETTINGS_FILE } from '../../kinds/script/settings-job.ts'
import type { EditedTree } from './edited-tree.ts'

/** Kudu's mark of a continuous job that shall not start. */
const DISABLED_FILE = 'disable.job'

/**
 * Puts what stands instead of a package's settings.job and disable.job into its tree: settings that somebody put in its
 * place, and whether a continuous job was stopped. Both lie beside the script, in `directory`.
 */
export function showAsItStands(tree: EditedTree, directory: string, job: JobRow): void {
  const beside = (name: string) => {
    const path = directory === '' ? name : `${directory}/${name}`
    const there = tree.find(path)
    return there?.type === 'file' ? there.file.path : path
  }
  const put = (path: string, text: string) => {
    const from = Buffer.from(text)
    const sha256 = createHash('sha256').update(from).digest('hex')
    const file = { path, bytes: from.length, executable: false, modified: job.updatedAt, sha256, from }
    tree.apply({ op: 'put', file })
  }
  const { ownSettings } = job.spec as { readonly ownSettings?: string }
  if (ownSettings !== undefined) put(beside(SETTINGS_FILE), ownSettings)
  if (job.type !== 'continuous') return
  const mark = beside(DISABLED_FILE)
  if (job.enabled) tree.apply({ op: 'remove', path: mark })
  else if (tree.find(mark) === null) put(mark, '')
}
