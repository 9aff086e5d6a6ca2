/** Bytes of a file: from the first on and before the last. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/**
 * The bytes that a header Range asks for (RFC 9110 §14.1.2). Undefined: the whole file, also where several ranges are asked
 * for, or in another unit; null: none of them is there.
 */
export function readRange(header: string | undefined, bytes: number): ByteRange | null | undefined {
  const [, first, last] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    const wanted = Math.min(Number(last), bytes)
    return wanted === 0 ? null : { from: bytes - wanted, to: bytes }
  }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return undefined
  if (from >= bytes) return null
  return { from, to: last === '' ? bytes : Math.min(Number(last) + 1, bytes) }
}
