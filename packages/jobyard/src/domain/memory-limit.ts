import { parseSize } from './durations.ts'
import { JobyardError } from './errors.ts'

/**
 * The smallest limit of memory under which something can run, in bytes: with less not even a shell begins that does
 * nothing, be it held by a control group or by its address space.
 */
export const LEAST_MEMORY_BYTES = 4 * 1024 * 1024

/**
 * Reads a limit of memory, as {@link parseSize} reads a size. `field` is the path of the input for the error. Throws
 * JobyardError 'size-invalid', also for less than {@link LEAST_MEMORY_BYTES}.
 */
export function parseMemoryLimit(input: string, field?: string): number {
  const bytes = parseSize(input, field)
  if (bytes >= LEAST_MEMORY_BYTES) return bytes
  const message = `${input.trim()} of memory is too little: with less than 4MB not even an empty shell script can begin.`
  throw new JobyardError('size-invalid', message, {
    hint: 'Give 4MB at the least, or more for what the script does (Node needs some 64MB); none is no limit.',
    ...(field === undefined ? {} : { field }),
  })
}
