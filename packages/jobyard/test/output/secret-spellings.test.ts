import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Masker } from '../../src/store/output/mask.ts'
import { PatternSearch } from '../../src/store/output/pattern-search.ts'
import { secretForms } from '../../src/store/output/secret-forms.ts'

function mask(secret: string, ...pieces: readonly (string | Buffer)[]): string {
  const masker = new Masker(new PatternSearch(secretForms([secret])))
  return Buffer.concat([...pieces.map((piece) => masker.push(Buffer.from(piece))), masker.end()]).toString()
}

const KEY = [
  '-----BEGIN PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0B',
  'AQEFAASCBKcwggSjAgEAAoIB',
  'abc=',
  '-----END PRIVATE KEY-----',
  '',
].join('\n')

test('a secret within a text of JSON is masked, whoever wrote it', () => {
  const secret = 'line "one"\n\tpä\\ss/wörd <&> +\u{1f511}'
  const json = JSON.stringify({ secret })
  expect(mask(secret, json)).toBe('{"secret":"***"}')
  const python = json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  expect(mask(secret, python)).toBe('{"secret":"***"}')
  expect(mask(secret, python.replaceAll('/', '\\/'))).toBe('{"secret":"***"}')
  const dotnet = `{"secret":"line \\u0022one\\u0022\\n\\tp\\u00E4\\\\ss/w\\u00F6rd \\u003C\\u0026\\u003E \\u002B\\uD83D\\uDD11"}`
  expect(JSON.parse(dotnet)).toEqual({ secret })
  expect(mask(secret, dotnet)).toBe('{"secret":"***"}')
  const go = json.replace(/[<>&]/g, (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`)
  expect(mask(secret, go)).toBe('{"secret":"***"}')
})

test('a secret of several lines is masked with the ends of lines of any system', () => {
  const secret = 'one xx\ntwo yy'
  for (const end of ['\n', '\r\n']) {
    const other = ['one xx', 'two yy'].join(end)
    expect(mask(secret, `<${other}>`)).toBe('<***>')
    expect(mask(other, `<${secret}>`)).toBe('<***>')
    expect(mask(secret, `<${Buffer.from(other).toString('base64')}>`)).toBe('<***>')
    expect(mask(secret, JSON.stringify(other))).toBe('"***"')
  }
  // A shell takes the end of the last line away.
  expect(mask(`${secret}\n`, `<${secret}>`)).toBe('<***>')
})

test('each line of a key is masked, indented and alone; what encloses it and what is short is not', () => {
  expect(mask(KEY, KEY.slice(0, -1))).toBe('***')
  const lines = KEY.split('\n').map((line) => `  | ${line}`)
  expect(mask(KEY, lines.join('\n')).split('\n')).toEqual([
    '  | -----BEGIN PRIVATE KEY-----',
    '  | ***',
    '  | ***',
    '  | abc=',
    '  | -----END PRIVATE KEY-----',
    '  | ',
  ])
})

test('each line that is long enough never comes through, however the output is cut', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\', 'ä', ' '), minLength: 0, maxLength: 14 })
  fc.assert(
    fc.property(fc.array(line, { minLength: 2, maxLength: 4 }), fc.nat({ max: 30 }), (lines, cut) => {
      const secret = lines.join('\n')
      for (const each of lines) {
        const wanted = each.trim()
        if (Buffer.byteLength(wanted) < 8) continue
        const printed = Buffer.from(`>${each}<`)
        expect(mask(secret, printed.subarray(0, cut), printed.subarray(cut))).not.toContain(wanted)
        expect(mask(secret, JSON.stringify({ each }))).not.toContain(JSON.stringify(wanted).slice(1, -1))
      }
    }),
    { numRuns: 300 },
  )
})

test('patterns of any length are found where they begin with the same byte, or end with the last one', () => {
  const search = new PatternSearch(['x', 'ab', 'acd'].map((text) => Buffer.from(text)))
  const skip = (text: string) => search.skip(Buffer.from(text), 0, text.length)
  expect([skip('zzab'), skip('zzad'), skip('zzac'), skip('zza'), skip('zzx'), skip('xzz'), skip('')]).toEqual([
    2, 4, 2, 2, 2, 0, 0,
  ])
})
