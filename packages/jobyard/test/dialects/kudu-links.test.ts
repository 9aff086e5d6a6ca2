import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { DATA_OF, type FilesYard, openFilesYard } from './files-yard.ts'

/** A script that puts all it can think of into its data folder. */
const MEAN = `cd "$WEBJOBS_DATA_PATH"
ln -s /etc/passwd passwd
ln -s /etc etc
ln -s .. up
ln -s own.txt inner
ln -s loop loop
mkfifo pipe
mkdir -p deep/er
echo mine > own.txt
echo deep > deep/er/file.txt
ln -s /etc deep/etc
python3 - <<'END'
import socket
socket.socket(socket.AF_UNIX).bind('socket')
END
`

const OF_LINKS = ['passwd', 'etc', 'up', 'inner', 'loop', 'pipe', 'socket', 'deep/etc']
const THROUGH_LINKS = [
  'etc/passwd',
  'etc/hostname',
  'up/home/x',
  'up/data/own.txt',
  'deep/etc/passwd',
  'loop/x',
  'inner/x',
]

let yard: FilesYard
let outside: string

beforeAll(async () => {
  yard = await openFilesYard()
  outside = await mkdtemp(join(tmpdir(), 'jobyard-outside-'))
  await chmod(outside, 0o777)
  await yard.script('triggered', 'mean', MEAN)
  expect((await yard.runToEnd('mean')).status).toBe('Success')
})

afterAll(async () => {
  await yard.server.stop()
  await rm(outside, { recursive: true })
})

describe('links, pipes and sockets that a job made in its data folder', () => {
  it('are not listed', async () => {
    expect(await yard.names(DATA_OF('mean'))).toEqual(['deep', 'own.txt'])
    expect(await yard.names(`${DATA_OF('mean')}deep/`)).toEqual(['er'])
    const { items } = JSON.parse((await yard.send('/v1/jobs/mean/data')).text)
    expect(items.map(({ name }: { name: string }) => name)).toEqual(['deep', 'own.txt'])
  })

  it.each([...OF_LINKS, ...THROUGH_LINKS])('are not read: %s', async (path) => {
    for (const address of [`${DATA_OF('mean')}${path}`, `${DATA_OF('mean')}${path}/`, `/v1/jobs/mean/data/${path}`]) {
      const { status, text } = await yard.send(address)
      expect(status, text).toBe(404)
      expect(text).not.toContain('root:')
    }
  })

  it.each([...OF_LINKS, ...THROUGH_LINKS])('are not written to: %s', async (path) => {
    for (const address of [`${DATA_OF('mean')}${path}`, `${DATA_OF('mean')}${path}/new/`]) {
      expect((await yard.put(address, 'changed')).status, address).toBe(409)
    }
    expect((await yard.put(`/v1/jobs/mean/data/${path}`, 'changed')).status).toBe(409)
  })

  it.each([...OF_LINKS, ...THROUGH_LINKS])('are not taken away by their names: %s', async (path) => {
    const headers = { 'if-match': '*' }
    const { status } = await yard.send(`${DATA_OF('mean')}${path}?recursive=true`, { method: 'DELETE', headers })
    expect(status).toBe(404)
  })

  it('are not in a zip', async () => {
    const { bytes, status } = await yard.send('/api/zip/data/jobs/triggered/mean/')
    expect(status).toBe(200)
    const text = bytes.toString('latin1')
    expect(text).toContain('deep/er/file.txt')
    for (const name of ['passwd', 'pipe', 'socket', 'inner']) expect(text).not.toContain(name)
  })

  it('stand for all that no path can name, which is left out, and for what is closed', async () => {
    const odd = `cd "$WEBJOBS_DATA_PATH"; mkdir closed; touch closed/x 'a\\b' 'dot.' 'blank ' 'C:x' $'new\nline' $'\\xff\\xfe' plain
d=deep; for i in $(seq 80); do mkdir $d; d=$d/x; done; chmod 0 closed\n`
    await yard.script('triggered', 'odd', odd)
    expect((await yard.runToEnd('odd')).status).toBe('Success')
    expect(await yard.names(DATA_OF('odd'))).toEqual(['closed', 'deep', 'plain'])
    const zip = await yard.send('/api/zip/data/jobs/triggered/odd/')
    expect(zip.status).toBe(200)
    expect(zip.bytes.toString('latin1')).toContain('plain')
    const inClosed = await yard.send(`${DATA_OF('odd')}closed/x`)
    expect([200, 404]).toContain(inClosed.status)
    expect([201, 409]).toContain((await yard.put(`${DATA_OF('odd')}closed/y`, 'y')).status)
    expect((await yard.send(`${DATA_OF('odd')}deep/?recursive=true`, { method: 'DELETE' })).status).toBe(200)
  })

  it('go with their folder, and what they lead to stays', async () => {
    await yard.script(
      'triggered',
      'goner',
      `cd "$WEBJOBS_DATA_PATH"; mkdir d; ln -s '${outside}' d/link; touch d/file\n`,
    )
    await writeFile(join(outside, 'stays.txt'), 'here')
    await yard.runToEnd('goner')
    const path = `${DATA_OF('goner')}d/`
    expect((await yard.send(path, { method: 'DELETE' })).status).toBe(409)
    expect((await yard.send(`${path}?recursive=true`, { method: 'DELETE' })).status).toBe(200)
    expect(await yard.names(DATA_OF('goner'))).toEqual([])
    expect(await readFile(join(outside, 'stays.txt'), 'utf8')).toBe('here')
  })

  it('are not followed when they take the place of a folder or a file meanwhile', async () => {
    await yard.script(
      'triggered',
      'swapper',
      'mkdir -p "$WEBJOBS_DATA_PATH/real"; echo good > "$WEBJOBS_DATA_PATH/real/file"\n',
    )
    await yard.runToEnd('swapper')
    const { id } = await yard.server.client.jobs.get('swapper')
    const data = join(yard.server.data, 'jobs', id, 'data')
    await writeFile(join(outside, 'file'), 'SECRET')
    await symlink(outside, join(data, 'aside'))
    // Exchanges the two in one step, over and over: what is there is always one of them.
    const exchange = `import ctypes
libc = ctypes.CDLL(None)
while True: libc.renameat2(-100, b'real', -100, b'aside', 2)`
    const swapper = spawn('python3', ['-c', exchange], { cwd: data, stdio: 'ignore' })
    const stopped = once(swapper, 'exit')
    onTestFinished(async () => {
      swapper.kill('SIGKILL')
      await stopped
    })
    const seen = new Set<string>()
    const written = new Set<number>()
    for (let turn = 0; turn < 120; turn++) {
      const [got, put] = await Promise.all([
        yard.send(`${DATA_OF('swapper')}real/file`),
        yard.put(`${DATA_OF('swapper')}real/new`, 'mine'),
        yard.send(`${DATA_OF('swapper')}real/new`, { method: 'DELETE', headers: { 'if-match': '*' } }),
      ])
      seen.add(got.status === 200 ? got.text : String(got.status))
      written.add(put.status)
    }
    expect([...seen].filter((each) => !['good\n', '404', '307'].includes(each))).toEqual([])
    expect((await readdir(outside)).toSorted()).toEqual(['file', 'stays.txt'])
    // Else nothing was ever tried.
    expect(seen).toContain('good\n')
    expect(seen).toContain('404')
    expect([...written].some((status) => status < 300)).toBe(true)
    expect(written).toContain(409)
  }, 60_000)

  it.runIf(process.getuid?.() === 0)('are the only things that a file of somebody else can come in by', async () => {
    await yard.script('triggered', 'linker', 'exit 0\n')
    await yard.runToEnd('linker')
    const { id } = await yard.server.client.jobs.get('linker')
    const secret = join(yard.server.data, 'jobs', 'secret')
    await writeFile(secret, 'of the server', { mode: 0o600 })
    await link(secret, join(yard.server.data, 'jobs', id, 'data', 'hard'))
    expect(await yard.names(DATA_OF('linker'))).toEqual([])
    expect((await yard.send(`${DATA_OF('linker')}hard`)).status).toBe(404)
  })
})
