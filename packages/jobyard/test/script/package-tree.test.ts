import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashTree, type PackageTree } from '../../src/kinds/script/package-tree.ts'

const TREE: PackageTree = {
  files: [
    { path: 'b', bytes: 1, executable: false, modified: 5, sha256: 'bb' },
    { path: 'a/x', bytes: 2, executable: true, modified: 6, sha256: 'aa' },
    { path: 'a-b', bytes: 2, executable: true, modified: 6, sha256: 'cc' },
  ],
  folders: ['a', 'c'],
}

test('the hash of a listing is what it always was, so that packages keep their names', () => {
  expect(hashTree(TREE)).toBe('883f62138e6367676e72ac6c4eb4b2207a9698b8dc850be73bdc0ccf382fc343')
})

test('order, times and sizes make no difference', () => {
  const { files, folders } = TREE
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...files], { minLength: 3 }),
      fc.shuffledSubarray([...folders], { minLength: 2 }),
      (some, others) => {
        const other = { files: some.map((file) => ({ ...file, modified: 9, bytes: 9 })), folders: others }
        expect(hashTree(other)).toBe(hashTree(TREE))
      },
    ),
  )
})
