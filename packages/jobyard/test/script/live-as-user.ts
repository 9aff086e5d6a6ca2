// The life of a script job under whatever user runs this, in the folder argv[2] with the archive argv[3]. Prints what went wrong.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/domain/clock.ts'
import { createIds } from '../../src/domain/ids.ts'
import { PackageStore } from '../../src/kinds/script/package.ts'
import { resolveRunAs } from '../../src/kinds/script/run-as.ts'
import { Workspaces } from '../../src/kinds/script/workspace.ts'
import { chooseJobFolders } from '../../src/kinds/script/workspace-folders.ts'

const [, , data = '', archive = ''] = process.argv
const ids = createIds(systemClock)
const faults: string[] = []
const expectThat = (fact: boolean, what: string): void => void (fact || faults.push(what))

const { user } = await resolveRunAs(undefined)
expectThat(user.own && user.uid === process.getuid?.(), 'jobs run as the same user')
const store = new PackageStore({
  folder: join(data, 'packages'),
  clock: systemClock,
  ids,
  interpreters: { path: '/usr/bin:/bin', user },
})
await store.open()
const { hash, script } = await store.add(archive, 'job.zip')
const folders = await chooseJobFolders(data, user)
expectThat(folders.warnings.length === 0, 'the data folder is good')
const onTrouble = (error: unknown): void => void faults.push(String(error))
const spaces = new Workspaces({ ...folders, user, packages: store, clock: systemClock, ids, onTrouble })
await spaces.open()
const copy = await spaces.acquire({ jobId: 'job', hash, script: script.file, inPlace: false })
const place = await spaces.prepareRun('job', Buffer.from('body'))
const output = execFileSync('/bin/sh', [script.file], { cwd: copy.folder, env: { DATA: place.data }, encoding: 'utf8' })
expectThat(output === 'hello\n', `the script ran: ${output}`)
// As package managers leave their caches: nobody may write to the folders, not even to remove what is in them.
for (const folder of [copy.folder, place.home, place.temporary]) {
  mkdirSync(join(folder, 'cache/module'), { recursive: true })
  writeFileSync(join(folder, 'cache/module/file'), '')
  for (const name of ['cache/module', 'cache']) chmodSync(join(folder, name), 0o555)
}
await place.requestStop()
await place.remove()
copy.release()
chmodSync(copy.folder, 0o755)
writeFileSync(join(copy.folder, script.file), 'echo changed\n')
chmodSync(copy.folder, 0o555)
const other = await spaces.acquire({ jobId: 'job', hash, script: script.file, inPlace: false })
expectThat(other.copied, 'a changed copy is made anew')
other.release()
await spaces.removeJob('job')
await spaces.settle()
await store.remove(hash)
for (const name of ['work/job', 'work/.runs/1', 'jobs/job'])
  expectThat(!existsSync(join(data, name)), `${name} is gone`)
process.stdout.write(faults.join('\n'))
