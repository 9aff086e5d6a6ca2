import { foldName } from '../../kinds/script/archive-names.ts'
import { parentOf } from '../../kinds/script/package-tree.ts'
import type { Change } from './edited-tree.ts'

/**
 * The changes that come to the same as these, whatever they are made to: without files that a later change replaces or
 * takes away. Of such a file the folders above it stay, which it made.
 */
export function withoutReplaced(changes: readonly Change[]): Change[] {
  const settled = new Settled()
  const kept: Change[] = []
  for (const change of changes.toReversed()) {
    const isOver = settled.has(change)
    settled.add(change)
    if (!isOver) kept.push(change)
    else if (change.op === 'put') kept.push({ op: 'folder', path: parentOf(change.file.path) })
    // Nothing from before the whole folder was taken away is left.
    if (change.op === 'remove' && change.path === '') break
  }
  return withoutDoubles(kept.toReversed())
}

/** What later changes make of paths. */
class Settled {
  readonly #put = new Set<string>()
  readonly #removed = new Set<string>()

  add(change: Change): void {
    if (change.op === 'put') this.#put.add(foldName(change.file.path))
    if (change.op === 'remove') this.#removed.add(foldName(change.path))
  }

  has(change: Change): boolean {
    if (change.op === 'folder') return false
    if (change.op === 'remove') return change.path !== '' && this.#removed.has(foldName(change.path))
    const path = foldName(change.file.path)
    if (this.#put.has(path)) return true
    for (let at = path; at !== ''; at = parentOf(at)) if (this.#removed.has(at)) return true
    return false
  }
}

/** A folder needs to be made once, until something is taken away. */
function withoutDoubles(changes: readonly Change[]): Change[] {
  const made = new Set<string>()
  return changes.filter((change) => {
    if (change.op === 'remove') made.clear()
    if (change.op !== 'folder') return true
    const isDouble = made.has(change.path)
    made.add(change.path)
    return !isDouble
  })
}
