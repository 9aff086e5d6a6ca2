import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { systemClock } from '../../../src/domain/clock.ts'
import { StrayWatch } from '../../../src/process/warden/stray-watch.ts'

/*
 * Runs in a namespace of process ids of its own, where it says which id comes next. The leader of a run leaves a process
 * behind, in a session of that one's own and far from the leader's id; then the ids go on at `distance` from the leader's,
 * and what the run has left is looked for. The run began `age` milliseconds ago. Prints the signal that ended the process:
 * SIGKILL when it was found, else SIGTERM.
 */
const [distance = 0, age = 0] = process.argv.slice(2).map(Number)
const MARK = 'folder.instance/task'
const SHELL = { detached: true, env: { PATH: '/usr/bin:/bin', JOBYARD_MARK: MARK } }

/** The next process gets the id after this one. */
function setLastPid(pid: number): void {
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid))
}

// The clock's timers keep nobody alive.
const alive = setInterval(() => undefined, 1000)
setLastPid(5000)
const leader = spawn('/bin/sh', ['-c', 'read line'], SHELL)
const leaderEnded = once(leader, 'exit')
const leaderPid = leader.pid ?? 0
setLastPid(8000)
const left = spawn('/bin/sh', ['-c', 'echo here; read line'], SHELL)
const leftEnded = once(left, 'exit')
await once(left.stdout, 'data')
leader.stdin.end('\n')
await leaderEnded
setLastPid(leaderPid + distance)
await new StrayWatch('folder.instance/', () => false, systemClock).clear(leaderPid, MARK, systemClock.elapsed() - age)
left.kill('SIGTERM')
await leftEnded
process.stdout.write(`${left.signalCode}`)
clearInterval(alive)
