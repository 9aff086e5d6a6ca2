import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { createIds } from '../../src/domain/ids.ts'
import { Draft, type DraftChange } from '../../src/services/package-edits/draft.ts'
import { findDrafts } from '../../src/services/package-edits/found-drafts.ts'
import { ACTOR } from '../support/stack.ts'

const ids = createIds(systemClock)
let top: string
let drafts: string
let count = 0

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'jobyard-drafts-'))
  drafts = join(top, 'drafts')
})
afterEach(() => rm(top, { recursive: true }))

const begin = (name = 'job') =>
  Draft.begin(drafts, { collectionId: 'c', type: 'triggered', name }, { jobId: null, hash: null }, ids)
const journalOf = (draft: Draft) => join(draft.folder, 'journal.jsonl')

async function change(path: string, text = path) {
  const from = join(top, `upload-${count++}`)
  await writeFile(from, text)
  const file = { path, bytes: Buffer.byteLength(text), sha256: 'x', executable: false, modified: 1 }
  return { op: 'put', from, file } as const
}

async function put(draft: Draft, path: string, text?: string): Promise<void> {
  await note(draft, await change(path, text))
}

async function note(draft: Draft, ...changes: readonly DraftChange[]): Promise<void> {
  await draft.note(changes, ACTOR, 1)
  await draft.tidy()
}

/** What a server finds that starts now; nothing may be wrong with it. */
async function found(): Promise<Draft[]> {
  const { drafts: all, faults } = await findDrafts(drafts, ids)
  expect(faults).toEqual([])
  return all
}

const pathsOf = (draft: Draft | undefined) =>
  draft?.changes.map((each) => (each.op === 'put' ? each.file.path : `${each.op} ${each.path}`))

describe('drafts', () => {
  it.each(['{"changes":[{"op":"pu', '{"changes":[{"op":"pu\n', '{"changes":\0\0\0]}\n'])(
    'go on behind a line that a crash tore: %j',
    async (torn) => {
      const draft = begin()
      await put(draft, 'one')
      await appendFile(journalOf(draft), torn)
      const [again] = await found()
      expect(pathsOf(again)).toEqual(['one'])
      if (again !== undefined) await put(again, 'two')
      const [third] = await found()
      expect(pathsOf(third)).toEqual(['one', 'two'])
    },
  )

  it('count all changes of one note or none of them, wherever it was torn', async () => {
    const draft = begin()
    await put(draft, 'first')
    const whole = (await readFile(journalOf(draft))).length
    await draft.note(await Promise.all(Array.from({ length: 20 }, (_, index) => change(`f${index}`))), ACTOR, 1)
    const text = await readFile(journalOf(draft))
    const [all] = await found()
    expect(all?.changes.length).toBe(21)
    for (let length = text.length - 1; length >= whole; length -= 97) {
      await writeFile(journalOf(draft), text.subarray(0, length))
      const [again] = await found()
      expect(pathsOf(again)).toEqual(['first'])
    }
  })

  it('are set aside when they cannot be read, and keep nobody from the others', async () => {
    const damaged = begin('damaged')
    await put(damaged, 'one')
    await put(damaged, 'two')
    const text = await readFile(journalOf(damaged), 'utf8')
    await writeFile(journalOf(damaged), text.replace('"changes"', '"chan'))
    const emptied = begin('emptied')
    await put(emptied, 'one')
    for (const name of await readdir(emptied.folder)) {
      if (name !== 'journal.jsonl') await rm(join(emptied.folder, name))
    }
    const other = begin('other')
    await put(other, 'one')
    await put(other, 'two')
    const strange = join(drafts, 'strange')
    await mkdir(strange)
    await writeFile(join(strange, 'journal.jsonl'), 'null\n17\n')
    const { drafts: all, faults } = await findDrafts(drafts, ids)
    expect(all.map(({ address }) => address.name)).toEqual(['other'])
    expect(faults.map(({ folder }) => folder).toSorted()).toEqual(
      ['strange', damaged, emptied].map((each) => (typeof each === 'string' ? strange : each.folder)).toSorted(),
    )
    for (const { keptAt } of faults) expect(await readdir(keptAt)).toContain('journal.jsonl')
    expect(pathsOf((await found())[0])).toEqual(['one', 'two'])
  })

  it('do not keep what was replaced, and stay the same over a crash', async () => {
    const draft = begin()
    const large = 'x'.repeat(300_000)
    await put(draft, 'd/other', 'o')
    for (let number = 0; number < 20; number++) await put(draft, 'd/e/file', `${number} ${large}`)
    await note(draft, { op: 'remove', path: 'd/other' })
    for (let number = 0; number < 300; number++) {
      await put(draft, 'd/temporary', 't')
      await note(draft, { op: 'remove', path: 'd/temporary' })
    }
    expect((await readdir(draft.folder)).length).toBeLessThan(120)
    expect(draft.changes.length).toBeLessThan(320)
    const [again] = await found()
    expect(again?.changes).toEqual(draft.changes)
    expect(again?.bytes).toBe(draft.bytes)
    expect(draft.bytes).toBeLessThan(3_000_000)
  })
})
