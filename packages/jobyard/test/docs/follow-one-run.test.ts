import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { quotedWords, readText } from './checkout.ts'

const PAGE = 'docs/reference/follow-one-run.md'
const rows = [...(await readText(PAGE)).matchAll(/^\| \d+ \| (.+?) \| \[(.+?)\]\((.+?)\) \|/gm)].map(
  ([, name = '', shown = '', path = '']) => ({ name: quotedWords(name)[0] ?? '', shown, path }),
)

/** Whether a file declares a function, a generator or a method of a class of this name. */
function declares(source: string, name: string): boolean {
  return new RegExp(`(?:function\\*? |^ {2}(?:async )?)${name}(?:<[^>]*>)?\\(`, 'm').test(source)
}

describe('the page that follows one run', () => {
  it('goes through twelve functions', () => {
    expect(rows.length).toBe(12)
  })

  it.each(rows)('finds $name where it says', async ({ name, shown, path }) => {
    const file = join(dirname(PAGE), path)
    expect(file).toBe(`packages/jobyard/src/${shown}`)
    expect(declares(await readText(file), name)).toBe(true)
  })

  it('would notice a function that is not there', async () => {
    expect(declares(await readText('packages/jobyard/src/engine/engine.ts'), 'requests')).toBe(false)
  })
})
