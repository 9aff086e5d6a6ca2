import { describe, expect, it } from 'vitest'
import type { Measure } from '../../../../bench/measure.ts'
import { PAGES } from '../../../../bench/pages.ts'
import { readText } from './checkout.ts'

/** A command on the page, what it measures, and what the page says that it printed. */
interface Printed {
  readonly command: string
  readonly measures: readonly Measure[]
  readonly text: string
}

const page = await readText('docs/operations/figures.md')
const all = [...page.matchAll(/^ {4}(npm run bench (\w+)(.*))\n\n```text\n([\s\S]*?)```$/gm)].map(
  ([, command = '', name = '', letters = '', text = '']): Printed => {
    const chosen = letters.split(' ').filter((each) => each !== '')
    const measures = PAGES[name] ?? []
    const measured = measures.filter(
      ({ letter }) => chosen.length === 0 || chosen.some((each) => letter.startsWith(each)),
    )
    return { command, measures: measured, text }
  },
)

/** The lines that a block has of a measure. */
function linesOf(text: string, { letter, title }: Measure): string[] {
  const [, part] = text.split(`(${letter}) ${title}\n`)
  if (part === undefined) throw new Error(`There is nothing of (${letter}) ${title}.`)
  return part.split(/^\(/m, 1)[0]?.split('\n') ?? []
}

describe.each(all)('the figures of $command', ({ measures, text }) => {
  it('say on what machine they were measured, by what commit, and that nothing went wrong', () => {
    for (const fact of ['commit', 'machine', 'software', 'disk', 'runs']) {
      expect(text).toMatch(new RegExp(`^${fact} +\\S`, 'm'))
    }
    expect(text).toMatch(/^Every run that was counted happened exactly once/m)
  })

  it('are of all that the command measures today, with the targets of today', () => {
    for (const measure of measures) {
      const lines = linesOf(text, measure)
      for (const { label, unit, target } of measure.rows) {
        const line = lines.find((each) => each.startsWith(`    ${label}${unit === '' ? '' : `, ${unit}`} `))
        expect(line, `(${measure.letter}) ${label}`).toBeDefined()
        const [aim = 0] = Object.values(target ?? {})
        const told = /[≤≥] +([\d.,]+)/.exec(line ?? '')?.[1]?.replaceAll(',', '') ?? '0'
        expect(Number(told), `(${measure.letter}) ${label}`).toBe(aim)
      }
    }
  })
})

describe('the page of figures', () => {
  it('has every page that can be measured', () => {
    expect(new Set(all.map(({ command }) => command.split(' ')[3]))).toEqual(new Set(Object.keys(PAGES)))
  })

  it('has nothing that no command prints: numbers stand in its blocks only', () => {
    const prose = page.replaceAll(/^```text\n[\s\S]*?^```$/gm, '')
    expect(prose.match(/\d+/g)).toEqual(['2'])
  })
})
