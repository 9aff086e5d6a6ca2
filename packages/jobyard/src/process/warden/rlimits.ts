import type { LimitSupport } from '../contract.ts'

/** What can be limited here, given what control groups can do, with a sentence for everything that works less well. */
export function describeSupport(
  cgroups: Pick<LimitSupport, 'memory' | 'processes'> | null,
  isRoot: boolean,
): LimitSupport {
  const memory = cgroups && cgroups.memory !== 'none' ? cgroups.memory : 'rlimit'
  const processes = cgroups && cgroups.processes !== 'none' ? cgroups.processes : 'rlimit'
  const notes: string[] = []
  if (memory === 'rlimit') {
    notes.push(
      'Memory limits hold for each process of a run by itself and count reserved address space (ulimit -v), because no ' +
        'memory control group can be made; programs such as Node or Java reserve far more than they use. ' +
        'Run the server as a systemd service with Delegate=yes, or as root, to limit runs as a whole.',
    )
  }
  if (processes === 'rlimit') {
    notes.push(
      'Process limits count all processes of the user that jobs run as, not those of one run (ulimit -u), because no ' +
        `pids control group can be made${isRoot ? '; for jobs that run as root the system does not keep them at all' : ''}.`,
    )
  }
  if (cgroups === null) {
    notes.push(
      'CPU time and peak memory are approximate (sampled every second, absent for very short runs), because no control ' +
        'group can be made. A process that leaves its session and clears its environment escapes its run.',
    )
  }
  return { memory, processes, notes }
}
