import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable } from '../../src/cli/failure.ts'
import { type Column, printTable, timeColumn } from '../../src/cli/table.ts'
import { fit, widthOf } from '../../src/cli/text-width.ts'
import { sayDuration, sayShortTime, saySize, sayTime } from '../../src/cli/wording.ts'
import { testTerminal } from './test-terminal.ts'

describe('the width of a text', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['ü', 1],
    ['u\u0308', 1],
    ['漢字', 4],
    ['한국', 4],
    ['ｆｕｌｌ', 8],
    ['🎉', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['a\u200bb', 2],
    ['…', 1],
  ])('%s takes %i columns', (text, columns) => {
    expect(widthOf(text)).toBe(columns)
  })

  test('a text that is cut fits, and one that fits is not cut', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 40 }), (words, columns) => {
        const cut = fit(words, columns)
        expect(widthOf(cut)).toBeLessThanOrEqual(columns)
        if (widthOf(words) <= columns) expect(cut).toBe(words)
      }),
    )
  })
})

describe('a table', () => {
  interface Row {
    readonly name: string
    readonly count: number
    readonly note: string
  }
  const columns: Column<Row>[] = [
    { title: 'NAME', value: ({ name }) => name, style: () => 'red' },
    { title: 'COUNT', value: ({ count }) => String(count), right: true },
    { title: 'NOTE', value: ({ note }) => note, yields: true },
  ]
  const rows: Row[] = [
    { name: 'a', count: 7, note: 'x'.repeat(200) },
    { name: '漢字漢字', count: 12_345, note: 'two\n  lines' },
  ]

  test('stands in columns, and is written whole where there is no terminal', async () => {
    const terminal = testTerminal()
    await printTable(terminal.stdout, rows, columns)
    expect(terminal.out().split('\n')).toEqual([
      'NAME      COUNT  NOTE',
      `a             7  ${'x'.repeat(200)}`,
      '漢字漢字  12345  two lines',
      '',
    ])
  })

  test('is cut to the terminal, first in the columns that give way', async () => {
    const terminal = testTerminal({ columns: 40 })
    await printTable(terminal.stdout, rows, columns)
    const lines = stripVTControlCharacters(terminal.out()).trimEnd().split('\n')
    expect(lines.map(widthOf)).toEqual([21, 40, 26])
    expect(lines[1]).toBe(`a             7  ${'x'.repeat(22)}…`)
  })

  test('is as wide as most terminals are where one says that it has no columns at all', async () => {
    const terminal = testTerminal({ columns: 0 })
    await printTable(terminal.stdout, rows, columns)
    const lines = stripVTControlCharacters(terminal.out()).trimEnd().split('\n')
    expect(lines.map(widthOf)).toEqual([21, 80, 26])
  })

  test('leaves out what gives way before it cuts a time', async () => {
    const moment = '2026-11-21T02:00:00.000Z'
    const timed = [timeColumn<Row>('WHEN', () => moment), ...columns]
    const shown = async (width: number): Promise<string[]> => {
      const terminal = testTerminal({ columns: width })
      await printTable(terminal.stdout, rows, timed)
      return stripVTControlCharacters(terminal.out()).trimEnd().split('\n')
    }
    expect((await shown(60))[1]).toContain(sayTime(moment))
    expect((await shown(46))[0]).toMatch(/^WHEN +NAME +COUNT +NOTE$/)
    expect((await shown(46))[1]).toContain(`${sayShortTime(moment)}  `)
    expect((await shown(40))[0]).toMatch(/^WHEN +NAME +COUNT$/)
    expect((await shown(40))[1]).toContain(`${sayShortTime(moment)}  `)
  })

  test('never grows beyond the terminal while its columns can give way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ name: fc.string(), count: fc.nat(), note: fc.string({ unit: 'grapheme' }) }), {
          maxLength: 5,
        }),
        fc.integer({ min: 30, max: 120 }),
        async (some, width) => {
          const terminal = testTerminal({ columns: width })
          await printTable(terminal.stdout, some, columns)
          const lines = stripVTControlCharacters(terminal.out()).trimEnd().split('\n')
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
          expect(lines).toHaveLength(some.length + 1)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('shows what would steer a terminal instead of sending it', async () => {
    const terminal = testTerminal()
    await printTable(terminal.stdout, [{ name: '\u001b[31mred\u0007', count: 1, note: '\u009b2J' }], columns)
    expect(terminal.out()).toContain('\\x1b[31mred\\x07')
    expect(terminal.out()).toContain('\\x9b2J')
    expect(printable('plain ü 漢\ttab')).toBe('plain ü 漢\ttab')
  })

  test('has colours on a terminal only', async () => {
    const terminal = testTerminal()
    await printTable(terminal.stdout, rows, columns)
    expect(terminal.out()).not.toContain('\u001b')
  })
})

describe('numbers for people', () => {
  test.each([
    [0, '0ms'],
    [350, '350ms'],
    [4_200, '4.2s'],
    [59_960, '1m 0s'],
    [192_000, '3m 12s'],
    [7_500_000, '2h 5m'],
    [273_600_000, '3d 4h'],
  ])('%i ms are %s', (milliseconds, words) => {
    expect(sayDuration(milliseconds)).toBe(words)
  })

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KB'],
    [52_428_800, '50.0 MB'],
    [2 ** 40 * 3, '3.0 TB'],
  ])('%i bytes are %s', (bytes, words) => {
    expect(saySize(bytes)).toBe(words)
  })
})
