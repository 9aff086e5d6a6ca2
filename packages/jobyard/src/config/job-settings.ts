import { type Machine, MB, setting } from './setting.ts'
import { count, duration, memoryLimit, optional, orNone, path, size, text } from './values.ts'

/** How jobs are worked on, and what they may use. */
export const JOB_SETTINGS = {
  concurrency: setting(
    'CONCURRENCY',
    count(1, 100_000, 16),
    (machine: Machine) => Math.max(8, 4 * machine.cpus),
    '4 per processor, at least 8',
    'Runs that this instance works on at a time; continuous jobs are not counted.',
  ),
  drainMs: setting(
    'DRAIN',
    duration(),
    30_000,
    '30s',
    'How long runs may go on after the server was told to stop; then they are stopped, too.',
  ),
  leaseMs: setting(
    'LEASE',
    duration(1000),
    15_000,
    '15s',
    'Time after which an instance that gives no sign of life counts as dead and its runs are taken over.',
  ),
  runAs: setting(
    'RUN_AS',
    optional(text),
    null,
    "the server's own user; for root: jobyard, else nobody",
    'System user that jobs run as: a name, name:group, uid or uid:gid. Only a server that runs as root can change it.',
  ),
  workFolder: setting(
    'WORK',
    optional(path),
    null,
    "`work` in the data folder, or a place that the jobs' user can reach",
    'Folder for working copies of packages; may be emptied whenever the server is stopped.',
  ),
  jobMemoryBytes: setting(
    'JOB_MEMORY',
    orNone(memoryLimit),
    (machine: Machine) => Math.max(256 * MB, Math.floor(machine.memory / 2 / MB) * MB),
    "half of the machine's memory, at least 256MB, where control groups can keep it; else none",
    'Memory that one run and all its processes may use, when the job says nothing else.',
  ),
  jobProcesses: setting(
    'JOB_PROCESSES',
    orNone(count(1, 4_000_000, 512)),
    512,
    '512 where control groups can keep it; else none',
    'Processes and threads that one run may have at once, when the job says nothing else.',
  ),
  outputBytes: setting(
    'OUTPUT_LIMIT',
    size,
    32 * MB,
    '32MB',
    'Output kept of each run, when the job says nothing else. Continuous jobs keep the newest, others the oldest.',
  ),
}
