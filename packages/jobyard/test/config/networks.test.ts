import { expect, test } from 'vitest'
import { networks } from '../../src/config/networks.ts'

test.each([
  ['public,private', ['public', 'private'], 'public,private'],
  ['Loopback  PUBLIC', ['public', 'loopback'], 'public,loopback'],
  ['none', [], 'none'],
])('%j is a list of networks', (given, value, shown) => {
  expect(networks.read(given, '/')).toEqual(value)
  expect(networks.show(value as ReturnType<typeof networks.read>)).toBe(shown)
})

test.each(['', 'all', 'public,link-local', 'none,public', ','])('%j is none', (given) => {
  expect(() => networks.read(given, '/')).toThrow(expect.objectContaining({ code: 'setting-invalid' }))
})
