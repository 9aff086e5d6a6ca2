import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenApiDocument } from '../../../../scripts/docs/interface.ts'
import { type Page, renderPages } from '../../../../scripts/docs/pages.ts'
import { ERRORS } from '../../src/domain/errors.ts'
import { openYard, type Yard } from '../examples/yard.ts'
import { ROOT } from './checkout.ts'

let yard: Yard
let pages: Page[]

beforeAll(async () => {
  yard = await openYard()
  const answer = await fetch(`${yard.server.address}/v1/openapi.json`)
  pages = await renderPages((await answer.json()) as OpenApiDocument)
})

afterAll(() => yard.stop())

/** The pages that differ from the files in a folder, which holds the documentation. */
async function findStale(docs: string, pages: readonly Page[]): Promise<string[]> {
  const stale: string[] = []
  for (const { path, text } of pages) {
    const there = await readFile(join(docs, path), 'utf8').catch(() => '')
    if (there !== text) stale.push(path)
  }
  return stale
}

function textOf(path: string): string {
  return pages.find((page) => page.path === path)?.text ?? ''
}

describe('the pages that follow from the code', () => {
  it('are fresh; if not, run: npm run docs', async () => {
    expect(await findStale(join(ROOT, 'docs'), pages)).toEqual([])
  })

  it('would be noticed when they are not', async () => {
    const [first] = pages
    expect(await findStale(join(ROOT, 'docs'), [{ path: first?.path ?? '', text: 'old' }])).toEqual([first?.path])
  })

  it('list every error', () => {
    const listed = [...textOf('reference/errors.md').matchAll(/^\| `([\w-]+)` \|/gm)].map((match) => match[1])
    expect(listed.toSorted()).toEqual(Object.keys(ERRORS).toSorted())
  })

  it('list the commands with their own options, and without the flags of settings', () => {
    const text = textOf('reference/commands.md')
    for (const command of ['serve', 'script deploy', 'run rerun', 'token create'])
      expect(text).toContain(`## ${command}\n`)
    expect(text).toContain('--no-output')
    expect(text).not.toContain('--archive-entries')
    expect(text).not.toContain('## complete\n')
  })

  it('say where the description of the interface is read', async () => {
    expect(textOf('reference/http.md')).toContain('| `POST /v1/schedules/preview` |')
    const page = await fetch(`${yard.server.address}/docs`)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
  })
})
