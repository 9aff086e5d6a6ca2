import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkJobName, quoteName } from '../../src/kinds/script/names.ts'
import { refusal } from './fixtures.ts'

test.each(['a', '7', 'report', 'Nightly-Report_2', '0-_-', 'x'.repeat(100)])('the name %s is taken', (name) => {
  expect(checkJobName(name)).toBe(name)
})

test.each([
  ['', 0],
  ['-a', 0],
  ['_a', 0],
  ['é', 0],
  ['a b', 1],
  ['report.daily', 6],
  ['a/b', 1],
  ['ab\n', 2],
  ['añ', 1],
  ['a\u{1f600}', 1],
  ['x'.repeat(101), 100],
  [`${'x'.repeat(150)}.`, 100],
])('the name %j is refused at position %i', async (name, position) => {
  const error = await refusal(() => checkJobName(name, 'job.name'), 'name-invalid')
  expect(error).toMatchObject({ status: 400, exit: 2, field: 'job.name', position })
  expect(error.message).toContain('begins with a letter or digit')
  expect(error.message).toContain('at most 100 characters')
})

test('the message shows the wrong character', async () => {
  const error = await refusal(() => checkJobName('daily report'))
  expect(error.message).toContain('position 5')
  expect(error.message).toContain('the character " "')
})

test('whatever the text, the position is that of the first character that breaks the rule', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), (name) => {
      const good = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)
      try {
        expect(checkJobName(name)).toBe(name)
        expect(good).toBe(true)
      } catch (error) {
        expect(good).toBe(false)
        const { position } = error as { position: number }
        if (position > 0) expect(checkJobName(name.slice(0, position))).toBe(name.slice(0, position))
        expect(() => checkJobName(name.slice(0, position + 1))).toThrow()
      }
    }),
  )
})

test('a quoted name has nothing unprintable and no bare quote in it', () => {
  expect(quoteName('a\u001b[31m\u202e"b\\')).toBe('"a\\u{1b}[31m\\u{202e}\\"b\\\\"')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(quoteName(name)).toMatch(/^"(?:[^\p{C}"\\]|\\["\\]|\\u\{[0-9a-f]+\})*"$/u)
    }),
  )
})
