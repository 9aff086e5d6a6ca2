// Unpacks the archive argv[2] into the folder argv[3] and prints by how many bytes the memory of the process grew.
import { readFileSync } from 'node:fs'
import { unpackArchive } from '../../src/kinds/script/archive.ts'

/** The most memory that this process ever had. (getrusage would count what its parent had when it forked.) */
function peakBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

const [, , archive = '', folder = ''] = process.argv
const before = process.memoryUsage.rss()
await unpackArchive(archive, folder, { now: 1e12 })
process.stdout.write(String(peakBytes() - before))
