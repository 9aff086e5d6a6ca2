import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ARCHIVE_LIMITS } from '../../src/kinds/script/archive-limits.ts'
import { withoutReplaced } from '../../src/services/package-edits/changes.ts'
import { type Change, EditedTree } from '../../src/services/package-edits/edited-tree.ts'

const path = fc.constantFrom('a', 'A', 'b', 'd', 'd/a', 'D/A', 'd/e/a', 'd/E/b', 'x/y/z', 'x/y')
const part = (at: string, bytes: number) => {
  return { path: at, bytes, sha256: '', executable: false, modified: 0, from: String(bytes) }
}
const wish = fc.record({
  op: fc.constantFrom('put' as const, 'folder' as const, 'remove' as const),
  path,
  all: fc.nat(9),
})

const base = () => new EditedTree([part('a', 1), part('D/a', 2), part('D/q', 3)], ['D', 'x'])
const shown = (tree: EditedTree) => {
  const { files, folders } = tree.parts()
  const listed = files.map(({ path: at, bytes }) => `${at} ${bytes}`).toSorted()
  return { files: listed, folders: [...folders].toSorted(), isGone: tree.isGone }
}

/** The wishes that edits would let pass, spelled as they spell them. */
function madeOf(wishes: readonly { op: 'put' | 'folder' | 'remove'; path: string; all: number }[]): Change[] {
  const tree = base()
  const changes: Change[] = []
  for (const [index, { op, path: wanted, all }] of wishes.entries()) {
    try {
      const at = op !== 'put' && all === 0 ? '' : tree.spell(wanted, DEFAULT_ARCHIVE_LIMITS)
      const there = tree.find(at)
      if (op === 'put' && there?.type === 'folder') continue
      if (op === 'folder' && there?.type === 'file') continue
      if (op === 'remove' && there === null) continue
      const change: Change = op === 'put' ? { op, file: part(at, 10 + index) } : { op, path: at }
      tree.apply(change)
      changes.push(change)
    } catch {
      // It is refused, as a caller would be.
    }
  }
  return changes
}

describe('changes without those that later ones replace', () => {
  it('come to the same', () => {
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 25 }), (wishes) => {
        const changes = madeOf(wishes)
        const all = base()
        const few = base()
        for (const change of changes) all.apply(change)
        const reduced = withoutReplaced(changes)
        for (const change of reduced) few.apply(change)
        expect(shown(few)).toEqual(shown(all))
        const put = reduced.flatMap((each) => (each.op === 'put' ? [each.file.path.toLowerCase()] : []))
        expect(new Set(put).size).toBe(put.length)
      }),
      { numRuns: 2000 },
    )
  })
})
