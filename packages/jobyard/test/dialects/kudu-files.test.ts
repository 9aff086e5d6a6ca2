import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpackArchive } from '../../src/kinds/script/archive.ts'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { DATA_OF, FILES_OF, type FilesYard, openFilesYard } from './files-yard.ts'
import { UNTIL_TOLD } from './webjobs-yard.ts'

let yard: FilesYard

beforeAll(async () => {
  yard = await openFilesYard()
})

afterAll(async () => {
  await yard.server.stop()
})

describe("Kudu's files", () => {
  it('lists the folders that every site has', async () => {
    expect(await yard.names('/api/vfs/')).toEqual(['data', 'LogFiles', 'site'])
    expect(await yard.names('/vfs/site/')).toEqual(['wwwroot'])
    expect(await yard.names('/api/vfs/site/wwwroot/App_Data/jobs/')).toEqual(['continuous', 'triggered'])
    expect(await yard.names('/api/vfs/SITE/WWWROOT/app_data/jobs/triggered/')).toEqual([])
    expect(await yard.names('/api/vfs/data/jobs/')).toEqual(['continuous', 'triggered'])
    expect(await yard.names('/api/vfs/LogFiles/')).toEqual([])
  })

  it('makes a job of a script that is put into its folder', async () => {
    const put = await yard.send(`${FILES_OF('made')}run.sh`, { method: 'PUT', body: 'echo one\n' })
    expect(put.text).toBe('')
    expect(put.status).toBe(201)
    expect((await yard.send(`${FILES_OF('made')}run.sh`)).text).toBe('echo one\n')
    await eventually('the job is there', async () => (await yard.call('/api/triggeredwebjobs/made')).status === 200)
    expect((await yard.runToEnd('made')).status).toBe('Success')
    expect(await yard.names(FILES_OF('made'))).toEqual(['run.sh'])
    expect(await yard.names('/api/vfs/site/wwwroot/App_Data/jobs/triggered/')).toEqual(['made'])
  })

  it('keeps files in the data folder of a job', async () => {
    await yard.script('triggered', 'keeper', 'cat "$WEBJOBS_DATA_PATH/in.txt" > "$WEBJOBS_DATA_PATH/out.txt"\n')
    const path = `${DATA_OF('keeper')}in.txt`
    expect((await yard.send(path)).status).toBe(404)
    const put = await yard.send(path, { method: 'PUT', body: 'hello' })
    expect(put.status, put.text).toBe(201)
    expect((await yard.runToEnd('keeper')).status).toBe('Success')
    const got = await yard.send(`${DATA_OF('keeper')}out.txt`)
    expect(got).toMatchObject({ status: 200, text: 'hello' })
    expect(got.headers).toMatchObject({ 'content-type': 'text/plain', 'content-length': '5' })
  })

  it('shows the logs that runs and jobs point to, which nobody can change', async () => {
    await yard.script('triggered', 'told', 'echo hello; touch "$WEBJOBS_DATA_PATH/mine.txt"\n')
    const run = await yard.runToEnd('told')
    const { pathname } = new URL(run.output_url ?? '')
    const whole = await yard.send(pathname)
    expect(whole.headers['content-type']).toBe('text/plain')
    expect(whole.text).toContain('INFO] hello\r\n')
    const part = await yard.send(pathname, { headers: { range: 'bytes=10-29' } })
    expect([part.status, part.text]).toEqual([206, whole.text.slice(10, 30)])
    const listed = JSON.parse((await yard.send(DATA_OF('told'))).text).map(({ name }: { name: string }) => name)
    expect(listed.toSorted()).toEqual([run.id, 'mine.txt'].toSorted())
    const any = { 'if-match': '*' }
    expect((await yard.put(pathname, 'x')).status).toBe(409)
    expect((await yard.send(pathname, { method: 'DELETE', headers: any })).status).toBe(409)
    const ofRun = pathname.replace(/output_log\.txt$/, '')
    expect((await yard.send(`${ofRun}?recursive=true`, { method: 'DELETE', headers: any })).status).toBe(409)
    expect((await yard.send(pathname)).text).toBe(whole.text)
    await yard.script('continuous', 'speaker', `echo awake\n${UNTIL_TOLD}`)
    await yard.status('speaker', 'Running')
    const { log_url: log } = JSON.parse((await yard.call('/api/continuouswebjobs/speaker')).body)
    await eventually('it is in the log', async () => (await yard.send(new URL(log).pathname)).text.includes('awake'))
  })

  it('runs what was put there a moment ago', async () => {
    await yard.put(`${FILES_OF('quick')}run.sh`, 'exit 0\n')
    expect((await yard.runToEnd('quick')).status).toBe('Success')
    await yard.put(`${FILES_OF('quick')}run.sh`, 'exit 4\n')
    expect((await yard.runToEnd('quick')).status).toBe('Failed')
    const list = await yard.server.client.jobs.packages('quick')
    expect(list.map(({ source }) => source)).toEqual(['vfs', 'vfs'])
  })

  it('takes away with a job what was put there a moment ago', async () => {
    await yard.put(`${FILES_OF('brief')}run.sh`, 'exit 0\n')
    expect((await yard.call('/api/triggeredwebjobs/brief', { method: 'DELETE' })).status).toBe(200)
    expect((await yard.send(FILES_OF('brief'))).status).toBe(404)
    await yard.script('triggered', 'brief', 'exit 0\n')
    await yard.put(`${FILES_OF('brief')}more.txt`, 'x')
    await yard.call('/api/triggeredwebjobs/brief', { method: 'DELETE' })
    expect((await yard.send(FILES_OF('brief'))).status).toBe(404)
    expect(await readdir(join(yard.server.data, 'drafts'))).toEqual([])
  })

  it('follows a settings.job that was put there, and shows the one that counts', async () => {
    await yard.zip('triggered', 'planned', { 'run.sh': 'exit 0\n' })
    const path = `${FILES_OF('planned')}settings.job`
    expect((await yard.send(path)).status).toBe(404)
    await yard.put(path, '{"schedule": "0 0 3 * * *"}')
    const settings = '/api/triggeredwebjobs/planned/settings'
    expect((await yard.call(settings)).body).toBe('{"schedule":"0 0 3 * * *"}')
    expect((await yard.server.client.jobs.get('planned')).triggers).toMatchObject([{ ncrontab: '0 0 3 * * *' }])
    await yard.call(settings, { method: 'PUT', body: '{"schedule": "0 0 4 * * *", "mine": 1}' })
    expect((await yard.send(path)).text).toBe('{"schedule": "0 0 4 * * *", "mine": 1}')
    // What counts goes into the next package, too.
    await yard.put(`${FILES_OF('planned')}more.txt`, 'x')
    await eventually('the package is there', async () => {
      const [latest] = await yard.server.client.jobs.packages('planned')
      return latest?.source === 'vfs' && latest.files === 3
    })
    expect((await yard.call(settings)).body).toBe('{"schedule":"0 0 4 * * *","mine":1}')
    await yard.send(path, { method: 'DELETE', headers: { 'if-match': '*' } })
    expect(JSON.parse((await yard.call('/api/triggeredwebjobs/planned')).body).settings).toEqual({})
    expect((await yard.call(settings)).body).toBe('{}')
    expect((await yard.server.client.jobs.get('planned')).triggers).toEqual([])
  })

  it('stops and starts a continuous job by the file disable.job', async () => {
    const folder = FILES_OF('pump', 'continuous')
    await yard.script('continuous', 'pump', UNTIL_TOLD)
    await yard.status('pump', 'Running')
    await yard.put(`${folder}disable.job`, '')
    await yard.status('pump', 'Stopped')
    await yard.call('/api/continuouswebjobs/pump/start', { method: 'POST' })
    await yard.status('pump', 'Running')
    expect(await yard.names(folder)).toEqual(['run.sh'])
    await yard.call('/api/continuouswebjobs/pump/stop', { method: 'POST' })
    expect(await yard.names(folder)).toEqual(['disable.job', 'run.sh'])
    await yard.send(`${folder}disable.job`, { method: 'DELETE', headers: { 'if-match': '*' } })
    await yard.status('pump', 'Running')
    await yard.send(`${folder}?recursive=true`, { method: 'DELETE' })
    expect((await yard.call('/api/continuouswebjobs/pump')).status).toBe(404)
    expect((await yard.send(folder)).status).toBe(404)
  })

  it('unpacks a zip over what is there, for several jobs at once', async () => {
    await yard.zip('triggered', 'first', { 'run.sh': 'exit 1\n', 'stays.txt': 'stays' })
    const zip = makeZip([
      { name: 'App_Data/' },
      { name: 'App_Data/jobs/triggered/first/run.sh', data: 'exit 0\n' },
      { name: 'App_Data/jobs/triggered/first/deep/er/new.txt', data: 'new' },
      { name: 'App_Data/jobs/triggered/second/run.sh', data: 'exit 0\n' },
    ])
    expect((await yard.send('/api/zip/site/wwwroot/', { method: 'PUT', body: zip })).status).toBe(200)
    expect(await yard.names(FILES_OF('first'))).toEqual(['deep', 'run.sh', 'stays.txt'])
    expect((await yard.runToEnd('first')).status).toBe('Success')
    expect((await yard.runToEnd('second')).status).toBe('Success')
  })

  it('gives a folder as a zip that unpacks to what it holds', async () => {
    await yard.script('triggered', 'packed', 'exit 0\n')
    const big = randomBytes(3_000_000)
    await yard.put(`${DATA_OF('packed')}big.bin`, big)
    await yard.put(`${DATA_OF('packed')}sub/%C3%A4.txt`, 'umlaut')
    await yard.put(`${DATA_OF('packed')}sub/empty.txt`, '')
    await yard.send(`${DATA_OF('packed')}hollow/`, { method: 'PUT' })
    const { bytes } = await yard.send('/zip/data/jobs/triggered/packed/')
    const file = join(yard.server.folder, 'packed.zip')
    const folder = join(yard.server.folder, 'packed')
    await writeFile(file, bytes)
    const { files, folders } = await unpackArchive(file, folder, { now: Date.now() })
    expect(files.map(({ path }) => path).toSorted()).toEqual(['big.bin', 'sub/empty.txt', 'sub/ä.txt'])
    expect(folders).toContain('hollow')
    expect(await readFile(join(folder, 'big.bin'))).toEqual(big)
    // And back again, into another job.
    await yard.script('triggered', 'unpacked', 'exit 0\n')
    const put = await yard.send('/zip/data/jobs/triggered/unpacked/', { method: 'PUT', body: bytes })
    expect(put.status, put.text).toBe(200)
    expect(await yard.names(DATA_OF('unpacked'))).toEqual(['big.bin', 'hollow', 'sub'])
    expect((await yard.send(`${DATA_OF('unpacked')}sub/%C3%A4.txt`)).text).toBe('umlaut')
  })

  it('closes what it reads when nobody wants it any more', async () => {
    await yard.script('triggered', 'left', 'exit 0\n')
    await yard.put(`${DATA_OF('left')}big.bin`, randomBytes(20_000_000))
    const { id } = await yard.server.client.jobs.get('left')
    const openFiles = async () => {
      const links = await Promise.all(
        (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
      )
      return links.filter((each) => each.includes(id))
    }
    for (const path of [`${DATA_OF('left')}big.bin`, '/zip/data/jobs/triggered/left/']) {
      const abort = new AbortController()
      const answer = await fetch(`${yard.url}${path}`, { headers: { authorization: yard.basic }, signal: abort.signal })
      await answer.body?.getReader().read()
      abort.abort()
    }
    await eventually('nothing is open', async () => (await openFiles()).length === 0)
  })

  it('takes in nothing of a file whose sender breaks off', async () => {
    await yard.script('triggered', 'broken', 'exit 0\n')
    for (const path of [`${DATA_OF('broken')}half.bin`, `${FILES_OF('broken')}half.bin`]) {
      await new Promise<void>((resolve) => {
        const headers = { authorization: yard.basic, 'content-length': 1_000_000 }
        const sent = request(`${yard.url}${path}`, { method: 'PUT', headers })
        sent.on('error', () => resolve())
        sent.write(Buffer.alloc(100_000), () => sent.destroy())
      })
    }
    await eventually('nothing is left', async () => (await yard.uploads()).length === 0)
    expect(await yard.names(DATA_OF('broken'))).toEqual([])
    expect(await yard.names(FILES_OF('broken'))).toEqual(['run.sh'])
    await eventually(
      'nothing is on its way',
      async () => (await readdir(join(yard.server.data, 'jobs', '.incoming'))).length === 0,
    )
  })

  it('gives files to the job, and not to the server', async () => {
    await yard.script(
      'triggered',
      'owner',
      'cd "$WEBJOBS_DATA_PATH"; echo more >> a/given.txt; rm a/given.txt; rmdir a; touch done\n',
    )
    await yard.put(`${DATA_OF('owner')}a/given.txt`, 'x')
    expect((await yard.runToEnd('owner')).status).toBe('Success')
    expect(await yard.names(DATA_OF('owner'))).toEqual(['done'])
  })
})

describe('a site whose jobs come from a watched folder', () => {
  it('does not have their files changed here, but their data', async () => {
    const site = await mkdtemp(join(tmpdir(), 'jobyard-site-'))
    const folder = join(site, 'App_Data/jobs/triggered/watched')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'run.sh'), 'exit 0\n')
    const watched = await openFilesYard({ site, siteQuiet: '100ms' })
    await eventually(
      'the job is there',
      async () => (await watched.call('/api/triggeredwebjobs/watched')).status === 200,
    )
    const path = `${FILES_OF('watched')}run.sh`
    const put = await watched.put(path, 'exit 1\n')
    expect(put).toMatchObject({ status: 409, text: expect.stringContaining(`come from the folder ${site}`) })
    const removed = await watched.send(path, { method: 'DELETE', headers: { 'if-match': '*' } })
    expect(removed.status).toBe(409)
    const zip = makeZip([{ name: 'run.sh', data: 'exit 1\n' }])
    expect(
      (await watched.send('/zip/site/wwwroot/App_Data/jobs/triggered/watched/', { method: 'PUT', body: zip })).status,
    ).toBe(409)
    expect((await watched.send(path)).text).toBe('exit 0\n')
    expect((await watched.put(`${DATA_OF('watched')}a.txt`, 'x')).status).toBe(201)
    await watched.server.stop()
    await rm(site, { recursive: true })
  })
})
