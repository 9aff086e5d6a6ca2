import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listMarkdown, ROOT, readText, withoutCode } from './checkout.ts'

const files = await listMarkdown()

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...withoutCode(markdown).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Targets of links within the checkout. */
function linksOf(markdown: string): string[] {
  const text = withoutCode(markdown).replaceAll(/`[^`]*`/g, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

async function brokenLinks(file: string): Promise<string[]> {
  const broken: string[] = []
  for (const target of linksOf(await readText(file))) {
    const [path = '', anchor] = target.split('#')
    const to = path === '' ? file : join(dirname(file), path)
    if (!existsSync(join(ROOT, to))) broken.push(target)
    else if (anchor !== undefined && !anchorsOf(await readText(to)).has(anchor)) broken.push(target)
  }
  return broken
}

describe('links between the pages of the documentation', () => {
  it('are looked at in all pages', () => {
    expect(files).toContain('README.md')
    expect(files.filter((file) => file.startsWith('docs/')).length).toBeGreaterThan(20)
  })

  it.each(files)('lead somewhere in %s', async (file) => {
    expect(await brokenLinks(file)).toEqual([])
  })

  it('lead to every page from the table of contents', async () => {
    const reached = new Set(['docs/README.md'])
    for (const file of reached) {
      for (const target of linksOf(await readText(file))) {
        const to = join(dirname(file), target.split('#')[0] ?? '')
        if (to.startsWith('docs/') && to.endsWith('.md')) reached.add(to)
      }
    }
    expect(files.filter((file) => file.startsWith('docs/') && !reached.has(file))).toEqual([])
  })
})
