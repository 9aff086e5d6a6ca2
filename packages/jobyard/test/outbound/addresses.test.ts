import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Place, placeOf } from '../../src/outbound/addresses.ts'

const CASES: readonly (readonly [Place, readonly string[]])[] = [
  [
    'public',
    ['1.1.1.1', '8.8.8.8', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0', '223.255.255.255'],
  ],
  ['public', ['2606:4700:4700::1111', '2a00:1450:4001::1', '64:ff9b::8.8.8.8', '2002:808:808::1', '::ffff:8.8.8.8']],
  [
    'private',
    ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '198.18.0.1'],
  ],
  ['private', ['fc00::1', 'fd12:3456::1', '::ffff:10.0.0.1', '::ffff:a00:1', 'fdff::1']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
  ['never', ['0.0.0.0', '0.1.2.3', '169.254.169.254', '169.254.0.1', '224.0.0.1', '239.1.1.1', '240.0.0.1']],
  ['never', ['255.255.255.255', '192.0.0.192', '100.100.100.200', '168.63.129.16', '192.0.2.1', '203.0.113.7']],
  ['never', ['::', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', 'fd00:ec2::254', 'fd20:ce::254']],
  ['never', ['fd00:42::42', '2001:db8::1', '2001::1', '3fff::1', '100::1', '::127.0.0.1', '::8.8.8.8', '4000::1']],
  ['never', ['::ffff:169.254.169.254', '::ffff:0.0.0.0', '64:ff9b::127.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b:1::1']],
  ['never', ['64:ff9b::a9fe:a9fe', '2002:7f00:1::1', '2002:a00:1::', '2606::5efe:7f00:1', 'fd00::200:5efe:8.8.8.8']],
  [
    'never',
    ['', 'localhost', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '1.2.3.4.5', '[::1]', ':::', '1.2.3.256'],
  ],
]

describe('where an address lies', () => {
  for (const [place, addresses] of CASES) {
    it.each(addresses)(`${place}: %s`, (address) => {
      expect(placeOf(address)).toBe(place)
    })
  }

  const byte = fc.integer({ min: 0, max: 255 })
  const ipv4 = fc.tuple(byte, byte, byte, byte)
  const hex = (n: number) => n.toString(16)

  it('is the same however IPv6 writes an IPv4 address in its last bits', () => {
    fc.assert(
      fc.property(ipv4, ([a, b, c, d]) => {
        const place = placeOf(`${a}.${b}.${c}.${d}`)
        const groups = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`
        for (const written of [`::ffff:${a}.${b}.${c}.${d}`, `::ffff:${groups}`, `0:0:0:0:0:ffff:${groups}`]) {
          expect(placeOf(written), written).toBe(place)
          expect(placeOf(written.toUpperCase()), written).toBe(place)
        }
        // Nothing that is translated on the way may lead into a network of one's own.
        const translated = place === 'public' ? 'public' : 'never'
        expect(placeOf(`64:ff9b::${groups}`)).toBe(translated)
        expect(placeOf(`64:ff9b::${a}.${b}.${c}.${d}`)).toBe(translated)
        expect(placeOf(`2002:${groups}::1`)).toBe(translated)
      }),
    )
  })

  it('is the same with zeros written out, left out, or with a zone', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const long = groups.map((value) => hex(value).padStart(4, '0')).join(':')
        const place = placeOf(long)
        expect(placeOf(groups.map(hex).join(':'))).toBe(place)
        expect(placeOf(`${long}%1`)).toBe(place)
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1)
        expect(placeOf(short), short).toBe(place)
      }),
    )
  })

  it('is never an allowed network for the ranges that machines trust', () => {
    const start = fc.constantFrom('169.254', '0.0', '224.0', '255.255')
    fc.assert(
      fc.property(start, byte, byte, (first, c, d) => {
        expect(placeOf(`${first}.${c}.${d}`)).toBe('never')
      }),
    )
  })

  it('is what a URL makes of decimal, octal and hexadecimal forms', () => {
    fc.assert(
      fc.property(ipv4, ([a, b, c, d]) => {
        const number = ((a * 256 + b) * 256 + c) * 256 + d
        const forms = [
          String(number),
          `0x${hex(number)}`,
          `0${number.toString(8)}`,
          `${a}.${b}.${c * 256 + d}`,
          `0${a.toString(8)}.${b}.0x${hex(c)}.${d}`,
        ]
        for (const form of forms) {
          expect(placeOf(new URL(`http://${form}/`).hostname), form).toBe(placeOf(`${a}.${b}.${c}.${d}`))
        }
      }),
    )
  })
})
