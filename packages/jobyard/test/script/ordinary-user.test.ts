import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { canExecute, checkReachable } from '../../src/kinds/script/reach.ts'
import { IS_ROOT, makeTemporary, NOBODY } from './fixtures.ts'
import { makeZip } from './zip-maker.ts'

const run = promisify(execFile)
const program = join(import.meta.dirname, 'live-as-user.ts')

// Where the checkout lies below a folder like /root, another user can run nothing of it.
const reachable = canExecute(process.execPath, NOBODY) && checkReachable(program, NOBODY).reachable

test.skipIf(process.platform === 'win32' || (IS_ROOT && !reachable))(
  'a server of an ordinary user deploys, runs and removes a job, read-only folders of the job included',
  async () => {
    const top = realpathSync(makeTemporary())
    chmodSync(top, 0o755)
    const data = join(top, 'data')
    mkdirSync(data)
    const archive = join(top, 'job.zip')
    writeFileSync(archive, makeZip([{ name: 'run.sh', data: 'echo hello\n' }]), { mode: 0o644 })
    const who = IS_ROOT ? { uid: NOBODY.uid, gid: NOBODY.gid } : {}
    if (IS_ROOT) chownSync(data, NOBODY.uid, NOBODY.gid)
    const { stdout, stderr } = await run(process.execPath, [program, data, archive], { ...who, cwd: '/' })
    expect(stdout + stderr).toBe('')
    for (const name of ['work/.trash', 'work/.staging', 'work/.runs', 'jobs/.trash', 'packages/.temporary']) {
      expect(readdirSync(join(data, name)), name).toEqual([])
    }
  },
)
