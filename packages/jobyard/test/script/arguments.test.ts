import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinArguments, LARGEST_ARGUMENTS, readArguments, splitArguments } from '../../src/kinds/script/arguments.ts'
import { refusal } from './fixtures.ts'

test.each<[string, string[]]>([
  ['', []],
  ['   \t\n', []],
  ['a b', ['a', 'b']],
  ['  a   b  ', ['a', 'b']],
  ['"first arg" "second arg"', ['first arg', 'second arg']],
  ["'first arg' x", ['first arg', 'x']],
  ['""', ['']],
  ["'' a", ['', 'a']],
  ['a"b c"d', ['ab cd']],
  [`--name="O'Brien"`, ["--name=O'Brien"]],
  ['say \\"hi\\"', ['say', '"hi"']],
  ['"say \\"hi\\""', ['say "hi"']],
  ["'a\\'", ['a\\']],
  ['a\\ b', ['a b']],
  ['C:\\data\\new file', ['C:\\data\\new', 'file']],
  ['"C:\\data\\new file"', ['C:\\data\\new file']],
  ['\\\\server\\share', ['\\server\\share']],
  ['end\\', ['end\\']],
  ['$HOME `id` $(id) *.txt ~ a;b|c>d&', ['$HOME', '`id`', '$(id)', '*.txt', '~', 'a;b|c>d&']],
  ['"$HOME" \'%PATH%\'', ['$HOME', '%PATH%']],
  ['ünïcödé "\u{1f600} \u{1f600}"', ['ünïcödé', '\u{1f600} \u{1f600}']],
])('%j is cut into %j', (text, list) => {
  expect(splitArguments(text)).toEqual(list)
})

test.each([
  ['a "b', 2, '"'],
  ["a 'b", 2, "'"],
  ['"a\\"', 0, '"'],
  ["it's", 2, "'"],
  ['"a" "', 4, '"'],
])('the quote in %j that is not closed is refused at position %i', async (text, position, quote) => {
  const error = await refusal(() => splitArguments(text), 'arguments-invalid')
  expect(error).toMatchObject({ status: 400, field: 'arguments', position })
  expect(error.message).toContain(`quote ${quote} at position ${position}`)
})

test('whatever the arguments are, joining and cutting gives them back', () => {
  const tricky = fc.string({ unit: fc.constantFrom('a', '"', "'", '\\', ' ', '\n', '$', 'é') })
  fc.assert(
    fc.property(fc.array(fc.oneof(tricky, fc.string({ unit: 'binary' }))), (list) => {
      expect(splitArguments(joinArguments(list))).toEqual(list)
    }),
    { numRuns: 1000 },
  )
})

test('whatever the text is, nothing in it is lost or made up', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '"', "'", '\\', ' ', '\t') }), (text) => {
      let list: string[]
      try {
        list = splitArguments(text)
      } catch {
        return
      }
      const letters = (each: string): string => each.replaceAll(/[^ab]/g, '')
      expect(letters(list.join(''))).toBe(letters(text))
    }),
    { numRuns: 1000 },
  )
})

test('a list is taken as it is, and written down so that it can be read again', () => {
  expect(readArguments(['a b', '"', '-x'])).toEqual({ list: ['a b', '"', '-x'], text: '"a b" "\\"" -x' })
  expect(readArguments('"first arg"  x')).toEqual({ list: ['first arg', 'x'], text: '"first arg"  x' })
  expect(readArguments(undefined)).toEqual({ list: [], text: '' })
})

test('what no program can be given is refused', async () => {
  expect((await refusal(() => readArguments(['ok', 'a\0b']), 'arguments-invalid')).message).toContain(
    'Argument 2 holds a NUL',
  )
  await refusal(() => readArguments('a\0b'), 'arguments-invalid')
  await refusal(() => readArguments('x'.repeat(LARGEST_ARGUMENTS + 1)), 'arguments-invalid')
  await refusal(() => readArguments(Array(LARGEST_ARGUMENTS).fill('ab')), 'arguments-invalid')
})
