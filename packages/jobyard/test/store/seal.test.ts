import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Sealer } from '../../src/store/seal.ts'

test('what was sealed is opened again, whatever it is', () => {
  const sealer = new Sealer(randomBytes(32))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (value, place) => {
      expect(sealer.open(sealer.seal(value, place), place)).toBe(value.toWellFormed())
    }),
  )
})

test('a value cannot be opened for another place, with another key, or when a bit of it was changed', () => {
  const sealer = new Sealer(randomBytes(32))
  const sealed = sealer.seal('secret', 'job:a')
  expect(() => sealer.open(sealed, 'job:b')).toThrow(/cannot be decrypted/)
  expect(() => new Sealer(randomBytes(32)).open(sealed, 'job:a')).toThrow(/cannot be decrypted/)
  const bytes = Buffer.from(sealed.sealed.slice(3), 'base64url')
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes)
    changed[index] = (changed[index] ?? 0) ^ 1
    expect(() => sealer.open({ sealed: `v1.${changed.toString('base64url')}` }, 'job:a')).toThrow()
  }
})

test('the same value sealed twice looks different', () => {
  const sealer = new Sealer(randomBytes(32))
  expect(sealer.seal('x', 'y').sealed).not.toBe(sealer.seal('x', 'y').sealed)
})

test('a key of the wrong length is refused', () => {
  expect(() => new Sealer(randomBytes(16))).toThrow()
})
