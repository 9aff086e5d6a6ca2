import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FilesYard, openFilesYard } from './files-yard.ts'

/** What stands in files that nobody may come to. */
const TREASURE = 'what nobody may read'

let yard: FilesYard

beforeAll(async () => {
  yard = await openFilesYard()
  await yard.script(
    'triggered',
    'target',
    'mkdir -p "$WEBJOBS_DATA_PATH/sub"; echo in > "$WEBJOBS_DATA_PATH/sub/own.txt"\n',
  )
  await yard.runToEnd('target')
  for (const place of [yard.server.data, yard.server.folder]) await writeFile(join(place, 'treasure.txt'), TREASURE)
  await mkdir(join(yard.server.data, 'jobs', 'site'), { recursive: true })
  await writeFile(join(yard.server.data, 'jobs', 'treasure.txt'), TREASURE)
})

afterAll(async () => {
  await yard.server.stop()
})

const TOPS = [
  '/api/vfs/',
  '/vfs/data/jobs/triggered/target/',
  '/api/vfs/data/jobs/triggered/target/sub/',
  '/api/vfs/site/wwwroot/App_Data/jobs/triggered/target/',
  '/api/zip/data/jobs/triggered/target/',
  '/v1/jobs/target/data/',
]

const TRICKS = [
  '../treasure.txt',
  '../../treasure.txt',
  '../../../treasure.txt',
  '..%2ftreasure.txt',
  '..%2Ftreasure.txt',
  '%2e%2e/treasure.txt',
  '%2e%2e%2ftreasure.txt',
  '%252e%252e%252ftreasure.txt',
  '%25252e%25252e%25252ftreasure.txt',
  '..%5ctreasure.txt',
  '..\\treasure.txt',
  '.%2e/treasure.txt',
  './%2e./treasure.txt',
  'sub/../../treasure.txt',
  'sub/..%2f..%2ftreasure.txt',
  '/etc/passwd',
  '//etc/passwd',
  '%2fetc%2fpasswd',
  'C:/treasure.txt',
  'c:%5ctreasure.txt',
  'file:///etc/passwd',
  'treasure.txt%00',
  '%00',
  '..%00/treasure.txt',
  '%c0%ae%c0%ae/treasure.txt',
  '%e0%80%ae%e0%80%ae/treasure.txt',
  '%u002e%u002e/treasure.txt',
  '...',
  '..../treasure.txt',
  'treasure.txt.',
  'treasure.txt%20',
  '.',
  '..',
  '%2e',
  '~root/.bashrc',
  'a'.repeat(300),
  'a/'.repeat(100),
  '%e4',
  '%',
  '%zz',
  `${'x'.repeat(5000)}`,
  'con%0d%0aset-cookie:%20a=b',
  '..;/treasure.txt',
  '\u2025/treasure.txt',
  '%ef%bc%8e%ef%bc%8e/treasure.txt',
]

describe('a path that leads elsewhere', () => {
  it.each(TOPS.flatMap((top) => TRICKS.map((trick) => [top, trick] as const)))(
    'is refused: %s%s',
    async (top, trick) => {
      const path = `${top}${encodeNonAscii(trick)}`
      for (const method of ['GET', 'HEAD'] as const) {
        const { status, text } = await yard.send(path, { method })
        expect([400, 404, ...(method === 'HEAD' ? [405] : [])], `${method} ${path}: ${text}`).toContain(status)
        expect(text).not.toContain(TREASURE)
        expect(text).not.toContain('root:')
      }
    },
  )

  it.each(TOPS.flatMap((top) => TRICKS.map((trick) => [top, trick] as const)))(
    'is not written to or taken away: %s%s',
    async (top, trick) => {
      const path = `${top}${encodeNonAscii(trick)}`
      for (const method of ['PUT', 'DELETE'] as const) {
        await yard.send(path, { method, headers: { 'if-match': '*' }, body: 'mine' })
      }
      await expectUntouched()
    },
  )

  it('never leads out, however it is put together', async () => {
    const part = fc.constantFrom(
      '..',
      '%2e%2e',
      '%252e',
      '.',
      '',
      '/',
      '%2f',
      '%5c',
      'sub',
      'own.txt',
      'C:',
      '%00',
      'treasure.txt',
    )
    const path = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'))
    const method = fc.constantFrom('GET', 'PUT', 'DELETE')
    const cases = fc.tuple(fc.constantFrom(...TOPS), path, method)
    await fc.assert(
      fc.asyncProperty(cases, async ([top, rest, how]) => {
        const { text } = await yard.send(`${top}${rest}`, { method: how, headers: { 'if-match': '*' }, body: 'mine' })
        expect(text).not.toContain(TREASURE)
        await expectUntouched()
      }),
      { numRuns: 300 },
    )
  })
})

async function expectUntouched(): Promise<void> {
  for (const place of [yard.server.data, yard.server.folder, join(yard.server.data, 'jobs')]) {
    expect(await readFile(join(place, 'treasure.txt'), 'utf8')).toBe(TREASURE)
  }
  expect((await readdir(yard.server.folder)).toSorted()).toEqual(['data', 'treasure.txt'])
}

/** A request's first line has ASCII alone. */
function encodeNonAscii(path: string): string {
  return path.replaceAll(/[^\x20-\x7e]/g, (sign) => encodeURIComponent(sign))
}
