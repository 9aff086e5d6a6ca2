import { expect, it } from 'vitest'
import { renderedFile } from '../../../src/dialects/webjobs/files/rendered-file.ts'
import { partOf, type Segment, textSegment } from '../../../src/dialects/webjobs/files/segments.ts'

const tagOf = (...segments: readonly Segment[]) =>
  renderedFile({ name: 'log', createdAt: 1, modifiedAt: 2 }, segments).tag

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
