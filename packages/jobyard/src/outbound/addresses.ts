import { isIPv4, isIPv6 } from 'node:net'

/** Networks that calls may be allowed to reach, as `JOBYARD_CALLS_NETWORKS` names them. */
export const NETWORKS = ['public', 'private', 'loopback'] as const

/** One of {@link NETWORKS}. */
export type Network = (typeof NETWORKS)[number]

/**
 * Where an address lies. `never` is what no setting allows: link-local addresses, those at which clouds tell machines
 * their secrets, multicast, the unspecified address, and all that is reserved or leads on in a way that cannot be seen.
 */
export type Place = Network | 'never'

/** Part of the addresses: its first bits, how many of them count, and where it lies. */
type Range = readonly [prefix: string, bits: number, place: Place]

/*
 * By https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry. The first range that an
 * address is in counts.
 */
const IPV4: readonly Range[] = [
  // Where Azure, Alibaba and Oracle answer machines about themselves, outside of the link-local range.
  ['168.63.129.16', 32, 'never'],
  ['100.100.100.200', 32, 'never'],
  ['192.0.0.0', 24, 'never'],
  ['0.0.0.0', 8, 'never'],
  ['169.254.0.0', 16, 'never'],
  ['192.0.2.0', 24, 'never'],
  ['192.88.99.0', 24, 'never'],
  ['198.51.100.0', 24, 'never'],
  ['203.0.113.0', 24, 'never'],
  ['224.0.0.0', 3, 'never'],
  ['127.0.0.0', 8, 'loopback'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['198.18.0.0', 15, 'private'],
  ['0.0.0.0', 0, 'public'],
]

const IPV6: readonly Range[] = [
  ['::1', 128, 'loopback'],
  // Where Amazon, Google and Scaleway answer machines about themselves.
  ['fd00:ec2::', 32, 'never'],
  ['fd20:ce::', 32, 'never'],
  ['fd00:42::', 32, 'never'],
  ['fc00::', 7, 'private'],
  // Teredo, ORCHID and other protocols of the IETF; documentation; 6to4, of which a part is looked at below.
  ['2001::', 23, 'never'],
  ['2001:db8::', 32, 'never'],
  ['3fff::', 20, 'never'],
  ['2000::', 3, 'public'],
  ['::', 0, 'never'],
]

/** IPv6 addresses that stand for an IPv4 address: their first bits, and the byte at which that one begins. */
const MAPPED: readonly [prefix: string, bits: number] = ['::ffff:0:0', 96]
const TRANSLATED: readonly (readonly [prefix: string, bits: number, at: number])[] = [
  // NAT64 (RFC 6052) and 6to4 (RFC 3056).
  ['64:ff9b::', 96, 12],
  ['2002::', 16, 2],
]

/**
 * Where an address lies, given as a system gives it: IPv4 in four decimal numbers, or IPv6, with a zone perhaps. Whatever
 * is no such address lies nowhere: `never`.
 */
export function placeOf(address: string): Place {
  const bare = address.replace(/%.*$/s, '')
  if (isIPv4(bare)) return placeOfIpv4(readIpv4(bare))
  if (!isIPv6(bare)) return 'never'
  const bytes = readIpv6(bare)
  if (matches(bytes, readIpv6(MAPPED[0]), MAPPED[1])) return placeOfIpv4(bytes.slice(12))
  for (const [prefix, bits, at] of TRANSLATED) {
    if (!matches(bytes, readIpv6(prefix), bits)) continue
    // A translator that leads into a private network is nothing that anybody set up for calls.
    return placeOfIpv4(bytes.slice(at, at + 4)) === 'public' ? 'public' : 'never'
  }
  // Addresses made of an IPv4 address by ISATAP (RFC 5214), whatever network they are in.
  if (bytes[8] !== undefined && (bytes[8] & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) {
    return 'never'
  }
  return firstOf(IPV6_BYTES, bytes)
}

function placeOfIpv4(bytes: readonly number[]): Place {
  return firstOf(IPV4_BYTES, bytes)
}

type ByteRange = readonly [prefix: readonly number[], bits: number, place: Place]

const IPV4_BYTES: readonly ByteRange[] = IPV4.map(([prefix, bits, place]) => [readIpv4(prefix), bits, place])
const IPV6_BYTES: readonly ByteRange[] = IPV6.map(([prefix, bits, place]) => [readIpv6(prefix), bits, place])

function firstOf(ranges: readonly ByteRange[], bytes: readonly number[]): Place {
  return ranges.find(([prefix, bits]) => matches(bytes, prefix, bits))?.[2] ?? 'never'
}

function matches(bytes: readonly number[], prefix: readonly number[], bits: number): boolean {
  for (let at = 0; at * 8 < bits; at++) {
    const mask = (0xff << Math.max(0, 8 - (bits - at * 8))) & 0xff
    if (((bytes[at] ?? 0) & mask) !== ((prefix[at] ?? 0) & mask)) return false
  }
  return true
}

function readIpv4(address: string): number[] {
  return address.split('.').map(Number)
}

/** The sixteen bytes of an address that is known to be one. */
function readIpv6(address: string): number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  const text = dotted === null ? address : `${dotted[1]}${groupsOf(readIpv4(dotted[2] ?? ''))}`
  const [head = '', tail] = text.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return [...front, ...(tail === undefined ? [] : zeros), ...back].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function groupsOf([a = 0, b = 0, c = 0, d = 0]: readonly number[]): string {
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
