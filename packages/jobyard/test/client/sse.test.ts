import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventParser, type ServerEvent } from '../../../client/src/sse.ts'

function parse(chunks: readonly Uint8Array[], lastId?: string): ServerEvent[] {
  const parser = new EventParser(lastId)
  return chunks.flatMap((chunk) => parser.push(chunk))
}

function parseText(text: string): ServerEvent[] {
  return parse([Buffer.from(text)])
}

describe('an event stream', () => {
  test('is cut into events with the last id that was named', () => {
    expect(parseText('id: 1\nevent: output\ndata: {"a":1}\n\ndata: x\n\n')).toEqual([
      { id: '1', event: 'output', data: '{"a":1}' },
      { id: '1', event: 'message', data: 'x' },
    ])
  })

  test('may have events of several lines, comments, and fields nobody knows', () => {
    expect(parseText(': heartbeat\n\ndata: a\ndata:b\ndata\nretry: 10\ncolour: red\n\n')).toEqual([
      { id: undefined, event: 'message', data: 'a\nb\n' },
    ])
  })

  test('does not give an event without data, nor one that is cut off', () => {
    expect(parseText('event: end\n\ndata: half')).toEqual([])
    expect(parseText('event: end\n\ndata: whole\n\n')).toEqual([{ id: undefined, event: 'message', data: 'whole' }])
  })

  test('begins with the id behind which it goes on', () => {
    expect(parse([Buffer.from('data: x\n\n')], '7')).toEqual([{ id: '7', event: 'message', data: 'x' }])
  })

  test('an id with NUL in it is passed over', () => {
    expect(parseText('id: 1\nid: 2\0\ndata: x\n\n')[0]?.id).toBe('1')
  })

  test('reads the same however it is cut into chunks and whatever its line ends are', () => {
    const line = fc.constantFrom('id: 1', 'id: zwei', 'event: a', 'data: ü🎉 x', 'data:', ': c', '', '', 'data: 1')
    const stream = fc.array(line, { maxLength: 30 })
    const cuts = fc.array(fc.nat(400), { maxLength: 8 })
    fc.assert(
      fc.property(stream, cuts, fc.constantFrom('\n', '\r\n', '\r'), (lines, places, end) => {
        const expected = parseText(`${lines.join('\n')}\n\n: last\n`)
        const bytes = Buffer.from(`${lines.join(end)}${end}${end}: last${end}`)
        const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
        const chunks = sorted.slice(1).map((to, index) => bytes.subarray(sorted[index], to))
        expect(parse(chunks)).toEqual(expected)
      }),
    )
  })

  test('an event without end does not fill the memory', () => {
    const parser = new EventParser()
    const chunk = Buffer.from(`data: ${'x'.repeat(1024 * 1024)}\n`)
    expect(() => {
      for (let i = 0; i < 20; i++) parser.push(chunk)
    }).toThrow(/too long/)
  })
})
