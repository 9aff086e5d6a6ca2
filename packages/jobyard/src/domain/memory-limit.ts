import { parseSize } from './durations.ts'
import { JobyardError } from './errors.ts'

/**
 * The smallest limit of memory that is taken, in bytes. A shell that does nothing takes about 4 MB of address space, which
 * rlimits count, and up to 1.5 MB of pages of its own, which control groups count, with more where nothing is shared.
 */
export const LEAST_MEMORY_BYTES = 4 * 1024 * 1024

/**
 * Reads a limit of memory, as {@link parseSize} reads a size. `field` is the path of the input for the error. Throws
 * JobyardError 'size-invalid', also for less than {@link LEAST_MEMORY_BYTES}.
 */
export function parseMemoryLimit(input: string, field?: string): number {
  const bytes = parseSize(input, field)
  if (bytes >= LEAST_MEMORY_BYTES) return bytes
  const message = `${input.trim()} of memory is too little: a shell alone takes up to 4MB to begin.`
  throw new JobyardError('size-invalid', message, {
    hint: 'Give 4MB at the least, and more for what the script does; none is no limit.',
    ...(field === undefined ? {} : { field }),
  })
}
