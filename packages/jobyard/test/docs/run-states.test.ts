import { FINISHED, STATES, type State, TRANSITIONS } from '@jobyard/jobs'
import { describe, expect, it } from 'vitest'
import { quotedWords, readText, tableRows } from './checkout.ts'

const page = await readText('docs/reference/run-states.md')
const [usual = '', all = ''] = [...page.matchAll(/```mermaid\n([\s\S]*?)```/g)].map((match) => match[1])

/** Every arrow of the table as text. */
const legal = STATES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} --> ${to}`)).toSorted()

/** Arrows of the first drawing, those from and to the dots apart. */
function usualArrows(): string[] {
  return [...usual.matchAll(/^ *(\w+) --> (\w+)/gm)].map((match) => `${match[1]} --> ${match[2]}`)
}

/** Arrows of the second drawing; one from the frame is one from each state in it. */
function allArrows(): string[] {
  const framed = /subgraph unfinished\n([\s\S]*?)\n {2}end/.exec(all)?.[1] ?? ''
  const inside = [...new Set([...framed.matchAll(/\b(?!end\b)[a-z]+\b/g)].map((match) => match[0]))]
  const arrows = [...all.matchAll(/^ *(\w+) (<?-->) (\w+)$/gm)].flatMap(([, from = '', arrow, to = '']) => {
    if (from === 'unfinished') return inside.map((state) => `${state} --> ${to}`)
    return arrow === '<-->' ? [`${from} --> ${to}`, `${to} --> ${from}`] : [`${from} --> ${to}`]
  })
  return [...new Set(arrows)].toSorted()
}

describe('the page about states', () => {
  it('draws exactly the legal transitions', () => {
    expect(allArrows()).toEqual(legal)
  })

  it('draws nothing illegal among the usual ways', () => {
    expect(usualArrows().length).toBeGreaterThan(8)
    expect(usualArrows().filter((arrow) => !legal.includes(arrow))).toEqual([])
  })

  it('has the usual ways end in the final states and nowhere else', () => {
    const ends = [...usual.matchAll(/^ *(\w+) --> \[\*\]/gm)].map((match) => match[1])
    expect(ends.toSorted()).toEqual(FINISHED.toSorted())
  })

  it('explains every state', () => {
    const intro = page.slice(0, page.indexOf('## The usual ways'))
    const explained = [...intro.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1] as State)
    expect(explained).toEqual([...STATES])
  })

  it('names only states that there are where it says how a run gets its own', () => {
    const named = tableRows(page, 'How a run gets its state').flatMap(([, state = '']) => quotedWords(state))
    expect(named.filter((state) => !STATES.some((each) => each === state))).toEqual([])
  })
})
