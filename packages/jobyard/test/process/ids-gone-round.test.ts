import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./programs/ids-gone-round.ts', import.meta.url))
const OWN_IDS = ['--pid', '--fork', '--mount-proc']
const SET_ID = 'echo 4000 > /proc/sys/kernel/ns_last_pid'
const possible = spawnSync('unshare', [...OWN_IDS, '/bin/sh', '-c', SET_ID]).status === 0

// The machine counts ids up, and begins anew when they are used up.
const CASES = [
  { where: 'shortly after those of a long run', distance: 20, age: 60_000 },
  { where: 'before those of the run', distance: -50, age: 0 },
]
for (const { where, distance, age } of CASES) {
  test(`what a run left is found when process ids have gone round and are ${where}`, ({ skip }) => {
    skip(!possible, 'Process ids cannot be chosen here: that takes root and unshare(1).')
    const program = [process.execPath, PROGRAM, String(distance), String(age)]
    expect(execFileSync('unshare', [...OWN_IDS, ...program], { encoding: 'utf8' })).toBe('SIGKILL')
  })
}
