import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findMounts } from '../../process/cgroup/mounts.ts'
import { describeSupport } from '../../process/warden/rlimits.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** The Node that runs this, which runs the server too. */
export const nodeCheck: Check = {
  name: 'Node',
  run() {
    const { node } = process.versions
    const major = Number(node.split('.')[0])
    const place = `Node ${node} (${process.execPath})`
    if (major < 26) return [fail(`${place} is too old.`, 'Install Node 26 or newer.')]
    if (process.platform === 'linux') return [ok(`${place} on Linux.`)]
    const todo = 'Report what does not work; Linux is what it is tried on.'
    return [warn(`${place} on ${process.platform}, on which Jobyard was not tried.`, todo)]
  },
}

/** When this program was written: no right clock shows an earlier time. */
const WRITTEN = Date.UTC(2026, 10, 1)
const FAR = Date.UTC(2100, 0, 1)

/** The clock and the time zones, which schedules live by. */
export const clockCheck: Check = {
  name: 'clock',
  run({ terminal }) {
    const now = terminal.clock.now()
    const shown = new Date(now).toISOString()
    const findings: Finding[] = [
      now < WRITTEN || now > FAR
        ? fail(`The clock shows ${shown}, which cannot be.`, 'Set the clock, and let it be kept right by NTP.')
        : ok(`The clock shows ${shown}.`),
    ]
    // A difference that every build with time zones knows: summer time in Berlin.
    const summer = Temporal.Instant.from('2026-07-01T00:00:00Z').toZonedDateTimeISO('Europe/Berlin').offset
    if (summer !== '+02:00') {
      findings.push(fail('The time zones of this Node are incomplete.', 'Use an official build of Node.'))
    }
    return findings
  },
}

/** Whether limits of memory and processes can be kept. Looks only; whether groups can be made shows at the start. */
export const limitsCheck: Check = {
  name: 'limits',
  run() {
    if (process.platform !== 'linux') {
      return [warn('Limits of memory and processes cannot be kept on this system.', 'Run jobs that you trust.')]
    }
    const { v1, v2 } = findMounts()
    const offered = v2 !== null && writable(join(v2, 'cgroup.subtree_control')) ? controllersOf(v2) : []
    const wayOf = (controller: string) => {
      if (offered.includes(controller)) return 'cgroup-v2' as const
      const folder = v1.get(controller)
      return folder !== undefined && writable(folder) ? ('cgroup-v1' as const) : ('none' as const)
    }
    const memory = wayOf('memory')
    const processes = wayOf('pids')
    const none = memory === 'none' && processes === 'none'
    const support = describeSupport(none ? null : { memory, processes }, process.getuid?.() === 0)
    const how = `Memory of runs is limited by ${support.memory}, their processes by ${support.processes}.`
    if (support.notes.length === 0) return [ok(how)]
    return support.notes.map((note) =>
      warn(note, 'Start the server as a systemd service with Delegate=yes, or as root.'),
    )
  },
}

function controllersOf(folder: string): string[] {
  return readFileSync(join(folder, 'cgroup.controllers'), 'latin1').split(/\s+/)
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
