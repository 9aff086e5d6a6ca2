/** What a warden leaves that is killed while it makes pipes, which have names for that moment. */
import { randomUUID } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { makePipeFolder, removePipeFolders } from '../../src/process/pipe-folders.ts'
import { sweepStrays } from '../../src/process/strays.ts'
import { eventually } from '../support/eventually.ts'
import { findMarked, findWarden, openYard } from './harness.ts'

/** A folder for temporary files, and a mkfifo that makes pipes and then hangs as often as it is told to. */
function openPlace(): { temporary: string; hang(): void; hangs(): boolean } {
  const root = mkdtempSync(join(tmpdir(), 'jobyard-test-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const temporary = join(root, 'tmp')
  const programs = join(root, 'bin')
  mkdirSync(temporary)
  mkdirSync(programs)
  const order = join(root, 'hang')
  const hanging = join(root, 'hangs')
  const script = `#!/bin/sh\nPATH=$(echo "$PATH" | cut -d: -f2-)\nmkfifo "$@" || exit\nif rm ${order} 2>/dev/null; then\n  : >${hanging}\n  exec sleep 300\nfi\n`
  writeFileSync(join(programs, 'mkfifo'), script)
  chmodSync(join(programs, 'mkfifo'), 0o755)
  vi.stubEnv('PATH', `${programs}:${process.env.PATH}`)
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())
  return { temporary, hang: () => writeFileSync(order, ''), hangs: () => existsSync(hanging) }
}

const pipeFolders = (temporary: string) => readdirSync(temporary).filter((name) => name.startsWith('jobyard-pipes-'))

test('a server that is started after one died with its warden removes the pipes that were being made', async () => {
  const { temporary, hang, hangs } = openPlace()
  const dataFolderId = randomUUID()
  hang()
  const opening = openYard({ dataFolderId }).catch((error: Error) => error)
  await eventually('pipes are being made', hangs)
  expect(pipeFolders(temporary)).toHaveLength(1)
  process.kill(findWarden(dataFolderId) ?? 0, 'SIGKILL')
  expect(await opening).toBeInstanceOf(Error)
  expect(pipeFolders(temporary)).toHaveLength(1)
  // What a server does first.
  await sweepStrays({ marked: { dataFolderId }, clock: systemClock })
  expect(findMarked(`${dataFolderId}.`)).toEqual([])
  expect(pipeFolders(temporary)).toEqual([])
})

test('a server that has lost its warden removes the pipes that were being made, and runs on', async () => {
  const { temporary, hang, hangs } = openPlace()
  const yard = await openYard()
  expect(pipeFolders(temporary)).toEqual([])
  hang()
  // Two pipes for each: sooner or later there are too few.
  const starting = (async () => {
    while (!hangs()) await yard.shell('sleep 300')
  })()
  await eventually('more pipes are being made', hangs)
  expect(pipeFolders(temporary)).toHaveLength(1)
  process.kill(findWarden(yard.dataFolderId) ?? 0, 'SIGKILL')
  await starting
  const next = await yard.shell('exit 3')
  expect(await next.process.exited).toMatchObject({ code: 3 })
  expect(pipeFolders(temporary)).toEqual([])
})

test('pipes of another data folder, and what belongs to others or is no folder, are left alone', () => {
  const { temporary } = openPlace()
  const [own, other] = [randomUUID(), randomUUID()]
  const [first, second, stranger] = [makePipeFolder(own), makePipeFolder(own), makePipeFolder(other)]
  writeFileSync(join(first, '0'), '')
  writeFileSync(join(temporary, `jobyard-pipes-${own}.file`), '')
  removePipeFolders(own)
  expect(existsSync(first) || existsSync(second)).toBe(false)
  expect(existsSync(stranger)).toBe(true)
  expect(pipeFolders(temporary)).toHaveLength(2)
})
