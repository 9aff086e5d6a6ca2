import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unpackArchive } from '../../src/kinds/script/archive.ts'
import { listTree, makeFile, makeTemporary } from './fixtures.ts'
import { type MadeEntry, makeZip } from './zip-maker.ts'

const JOB: readonly MadeEntry[] = [
  { name: 'run.ps1', data: 'exit 0\n' },
  { name: 'lib\\' },
  { name: 'lib\\deep\\tool.txt', data: 'tool\n' },
]
const TREE = ['lib/', 'lib/deep/', 'lib/deep/tool.txt', 'run.ps1']

async function unpack(entries: readonly MadeEntry[]): Promise<string[]> {
  const folder = join(makeTemporary(), 'tree')
  const tree = await unpackArchive(makeFile(makeZip(entries)), folder, { now: 1e12 })
  const found = listTree(folder)
  expect([...tree.files.map(({ path }) => path), ...tree.folders.map((path) => `${path}/`)].toSorted()).toEqual(found)
  return found
}

test.each([
  ['MS-DOS, as Windows PowerShell 5.1 and old .NET say', 0],
  ['Windows', 10],
  ['Windows by the number of Info-ZIP', 11],
])('backslashes separate folders in an archive made on %s', async (_what, system) => {
  expect(await unpack(JOB.map((entry) => ({ ...entry, system })))).toEqual(TREE)
  // Tools of that system that write the name of one folder both ways mean one folder.
  const both = [...JOB, { name: 'lib/other.txt', data: '' }].map((entry) => ({ ...entry, system }))
  expect(await unpack(both)).toEqual(['lib/', 'lib/deep/', 'lib/deep/tool.txt', 'lib/other.txt', 'run.ps1'])
})

test('backslashes separate folders where no name has a slash, whatever system the archive names', async () => {
  expect(await unpack(JOB)).toEqual(TREE)
})
