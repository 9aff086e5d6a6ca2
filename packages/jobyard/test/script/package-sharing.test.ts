import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { type PackageInfo, PackageStore } from '../../src/kinds/script/package.ts'
import { PackageWorkshop } from '../../src/kinds/script/package-workshop.ts'
import { eventually } from '../support/eventually.ts'
import { clock, ids, makeFile, makeTemporary, OWN } from './fixtures.ts'
import { makeZip } from './zip-maker.ts'

const interpreters = { path: '/usr/bin:/bin', user: OWN }
const DAY = 86_400_000

let folder: string

beforeEach(() => {
  folder = join(makeTemporary(), 'packages')
})

async function openStore(instance: string, ahead = 0): Promise<PackageStore> {
  const now = () => systemClock.now() + ahead
  const store = new PackageStore({ folder, clock: { ...clock, now }, ids, interpreters, instance })
  await store.open()
  return store
}

const zip = (text: string) => makeFile(makeZip([{ name: 'run.sh', data: text }]))
const halfDone = () => readdirSync(join(folder, '.temporary'))

/** A package of many files, so that it takes a while. */
const LARGE = makeZip(
  Array.from({ length: 3000 }, (_, index) => ({ name: index === 0 ? 'run.sh' : `d/${index}`, data: `${index}` })),
)

test('an instance that starts lets alone what another one is unpacking, and takes away what it left itself', async () => {
  const first = await openStore('one')
  const left = new PackageWorkshop({ folder, clock, ids, instance: 'two' }).place()
  mkdirSync(join(left, 'files/deep'), { recursive: true })
  const adding = first.addZip(makeFile(LARGE))
  await eventually('it is being unpacked', () => halfDone().length === 2)
  await openStore('two')
  expect(existsSync(left)).toBe(false)
  const { hash, files } = await adding
  expect(files).toBe(3000)
  await openStore('two')
  expect(await first.has(hash)).toBe(true)
  expect(halfDone()).toEqual([])
})

test('what an instance left that is gone for good goes after a day', async () => {
  await openStore('one')
  const left = new PackageWorkshop({ folder, clock, ids, instance: 'gone' }).place()
  mkdirSync(join(left, 'files'), { recursive: true })
  writeFileSync(join(left, 'files/x'), 'x')
  // Times that archives give to files say nothing.
  utimesSync(left, 1, 1)
  await openStore('one', DAY / 2)
  expect(halfDone()).toHaveLength(1)
  await openStore('one', DAY + 60_000)
  expect(halfDone()).toEqual([])
})

test('a small upload does not wait for a large one', async () => {
  const store = await openStore('one')
  const done: string[] = []
  const large = store.addZip(makeFile(LARGE)).then(() => done.push('large'))
  await eventually('the large one is being unpacked', () => halfDone().length === 1)
  await store.addZip(zip('echo small\n'), { enter: async () => void done.push('small') })
  await large
  expect(done).toEqual(['small', 'large'])
})

test('a package is not removed between the moment it gets its name and its entry', async () => {
  const store = await openStore('one')
  const { hash } = await store.addZip(zip('echo same\n'))
  const entered = new Set<string>()
  const enter = async (info: PackageInfo) => {
    expect(await store.has(info.hash)).toBe(true)
    await new Promise<void>((resolve) => setImmediate(resolve))
    entered.add(info.hash)
  }
  let asked = 0
  const clean = () => store.clean(async () => (asked++ === 0 && !entered.has(hash) ? [hash] : []))
  await Promise.all([
    store.addZip(zip('echo same\n'), { enter }),
    clean(),
    store.addZip(zip('echo same\n'), { enter }),
    store.addZip(zip('echo same\n'), { enter }),
  ])
  expect(await store.has(hash)).toBe(true)
  expect(entered).toEqual(new Set([hash]))
})
