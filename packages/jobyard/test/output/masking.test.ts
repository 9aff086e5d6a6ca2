import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Masker } from '../../src/store/output/mask.ts'
import { PatternSearch } from '../../src/store/output/pattern-search.ts'
import { secretForms } from '../../src/store/output/secret-forms.ts'

/** Masks a text that comes in these pieces; the last element is what came at the end. */
function mask(patterns: readonly string[], pieces: readonly string[]): string[] {
  const masker = new Masker(new PatternSearch(patterns.map((pattern) => Buffer.from(pattern))))
  return [...pieces.map((piece) => masker.push(Buffer.from(piece)).toString()), masker.end().toString()]
}

/** The rule, said as simply as it can be: whatever an occurrence covers is replaced, what overlaps as one. */
function maskSimply(patterns: readonly string[], text: string): string {
  const found = patterns
    .flatMap((pattern) => {
      const starts = Array.from(text, (_, at) => at).filter((at) => text.startsWith(pattern, at))
      return starts.map((start) => ({ start, end: start + pattern.length }))
    })
    .sort((a, b) => a.start - b.start)
  let masked = ''
  let at = 0
  let end = -1
  for (const span of found) {
    if (span.start >= Math.max(end, 0) || end < 0) masked += `${text.slice(at, span.start)}***`
    end = Math.max(end, span.end)
    at = end
  }
  return masked + text.slice(at)
}

describe('secrets in a stream', () => {
  test('are replaced as the rule says, wherever the stream is cut', () => {
    // Few letters make patterns that overlap, contain one another and begin alike.
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 5 }),
        fc.array(text, { maxLength: 6 }),
        (patterns, pieces) => {
          expect(mask(patterns, pieces).join('')).toBe(maskSimply(patterns, pieces.join('')))
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('are replaced one by one when they only touch', () => {
    expect(mask(['abcd'], ['abcdabcd']).join('')).toBe('******')
  })

  test('let everything else through at once, the very same buffer when nothing is found', () => {
    const masker = new Masker(new PatternSearch([Buffer.from('secret')]))
    const piece = Buffer.from('nothing here')
    expect(masker.push(piece)).toBe(piece)
    expect(mask(['secret'], ['a sec', 'ond', ' sec', 'ret!'])).toEqual(['a ', 'second', ' ', '***!', ''])
  })

  test('that repeat without end are given out as they go, not gathered', () => {
    const pieces = mask(
      ['aaaa'],
      Array.from({ length: 100 }, () => 'a'.repeat(1000)),
    )
    expect(pieces[0]).toBe('***')
    expect(pieces.join('')).toBe('***')
  })

  test('of many bytes and all values are found', () => {
    const secret = Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 31) & 0xff))
    const masker = new Masker(new PatternSearch([secret]))
    const out = [Buffer.from([1, 2]), secret.subarray(0, 1000), secret.subarray(1000), Buffer.from([3])]
    expect(Buffer.concat([...out.map((piece) => masker.push(piece)), masker.end()])).toEqual(
      Buffer.concat([Buffer.from([1, 2]), Buffer.from('***'), Buffer.from([3])]),
    )
  })
})

describe('the forms of a secret', () => {
  const maskSecrets = (secrets: readonly string[], text: string): string => {
    const masker = new Masker(new PatternSearch(secretForms(secrets)))
    return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString()
  }

  test('are its bytes, its base64 and its percent-encoding', () => {
    const secret = 'pä?ss w/rd+~*'
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('base64url'),
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase(),
      new URLSearchParams({ secret }).toString().slice('secret='.length).replace('%7E', '~'),
    ]) {
      expect(maskSecrets([secret], `<${form}>`)).toBe('<***>')
    }
  })

  test('in base64 of something longer leave nothing from which the secret could be read', () => {
    const text = fc.string({ unit: 'binary-ascii', maxLength: 12 })
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 9, maxLength: 30 }), text, text, (bytes, before, after) => {
        const secret = Buffer.from(bytes).toString('hex')
        const encoded = Buffer.from(before + secret + after).toString('base64')
        const [left = '', right = ''] = maskSecrets([secret], encoded).split('***')
        // At most the characters at the borders stay, which also depend on what is next to the secret.
        expect(left.length + right.length).toBeLessThanOrEqual(
          Math.ceil(before.length / 3) * 4 + Math.ceil(after.length / 3) * 4 + 8,
        )
      }),
    )
  })

  test('shorter than four bytes are not looked for', () => {
    expect(maskSecrets(['abc', '', 'ä1'], 'abc ä1')).toBe('abc ä1')
    expect(maskSecrets(['ää'], 'ää')).toBe('***')
    expect(secretForms(['abc'])).toEqual([])
  })

  test('of a secret with half a surrogate pair do no harm', () => {
    expect(maskSecrets(['half \ud800 pair'], 'half \ufffd pair')).toBe('***')
  })
})
