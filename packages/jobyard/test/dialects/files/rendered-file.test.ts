import { expect, it } from 'vitest'
import { renderedFile } from '../../../src/dialects/webjobs/files/rendered-file.ts'
import { partOf, type Segment, textSegment } from '../../../src/dialects/webjobs/files/segments.ts'

const tagOf = (...segments: readonly Segment[]) =>
  renderedFile({ name: 'log', createdAt: 1, modifiedAt: 2 }, segments).tag

it('has the same tag for the same part of what grows, and loses its beginning', () => {
  const grown = (bytes: number, lost = 0): Segment => ({ ...textSegment('log'), bytes, lost, at: lost })
  const [short, long, rolled] = [grown(100), grown(200), grown(170, 30)]
  expect(tagOf(partOf(short, 40, 90))).toBe(tagOf(partOf(long, 40, 90)))
  expect(tagOf(partOf(partOf(short, 10, 100), 30, 80))).toBe(tagOf(partOf(long, 40, 90)))
  expect(tagOf(partOf(rolled, 10, 60))).toBe(tagOf(partOf(long, 40, 90)))
  const others = [tagOf(short), tagOf(long), tagOf(rolled), tagOf(partOf(long, 40, 91)), tagOf(partOf(long, 41, 90))]
  expect(new Set(others).size).toBe(others.length)
})

it('has another tag for other bytes, also where they are as many', () => {
  expect(tagOf(textSegment('60 s'), textSegment('x'))).toBe(tagOf(textSegment('60 s'), textSegment('x')))
  const others = [
    tagOf(textSegment('60 s')),
    tagOf(textSegment('10 s')),
    tagOf(textSegment('60 '), textSegment('S')),
    tagOf(textSegment('S'), textSegment('60 ')),
    tagOf(partOf(textSegment('the 60 s'), 4, 8)),
    tagOf(partOf(textSegment('the 60 s'), 3, 7)),
  ]
  expect(new Set(others).size).toBe(others.length)
})
