import { openAsBlob } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isFinished, Jobyard, type State } from '@jobyard/client'
import { STATES } from '@jobyard/jobs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { makeZip } from '../script/zip-maker.ts'
import { collect, deployScript } from './scripts.ts'

let server: LiveServer
let client: Jobyard

beforeAll(async () => {
  server = await startLiveServer({ uploadLimit: '1MB' })
  client = server.client
})
afterAll(async () => {
  await server.stop()
})

describe('packages', () => {
  test('are uploaded from bytes, blobs and streams, with progress', async () => {
    const zip = Buffer.from(
      makeZip([
        { name: 'run.sh', data: '#!/bin/bash\necho hi\n', mode: 0o100755 },
        { name: 'sub/data.txt', data: 'x'.repeat(100_000) },
      ]),
    )
    const file = join(server.folder, 'a.zip')
    await writeFile(file, zip)
    const steps: [number, number | undefined][] = []
    const onProgress = (sent: number, total: number | undefined): void => {
      steps.push([sent, total])
    }
    const fromBytes = await client.packages.upload(zip, 'a.zip')
    const fromFile = await client.packages.upload(await openAsBlob(file), 'a.zip', { onProgress })
    const fromStream = await client.packages.upload(new Blob([zip]).stream(), 'a.zip')
    expect(fromBytes).toMatchObject({ files: 2, script: { file: 'run.sh', interpreter: 'bash' } })
    expect(fromFile.hash).toBe(fromBytes.hash)
    expect(fromStream.hash).toBe(fromBytes.hash)
    expect(steps.at(-1)).toEqual([zip.length, zip.length])
    expect(await client.packages.get(fromBytes.hash)).toEqual(fromBytes)
    expect(await client.packages.files(fromBytes.hash)).toEqual([
      { path: 'run.sh', bytes: 20, executable: true },
      { path: 'sub/data.txt', bytes: 100_000, executable: false },
    ])
    const contents = Buffer.concat(await collect(await client.packages.file(fromBytes.hash, 'sub/data.txt')))
    expect(contents.length).toBe(100_000)
  })

  test('that are too large are refused while they are sent, and the refusal arrives', async () => {
    const large = Buffer.alloc(30 * 1024 * 1024, 'x')
    const stream = new Blob([large]).stream()
    await expect(client.packages.upload(stream, 'run.sh')).rejects.toMatchObject({
      code: 'body-too-large',
      status: 413,
    })
    await expect(client.packages.upload(large, 'run.sh')).rejects.toMatchObject({ code: 'body-too-large' })
  })

  test('that hold no script are refused with the reason', async () => {
    await expect(client.packages.upload(Buffer.from('hi'), 'notes.txt')).rejects.toMatchObject({
      code: 'script-missing',
    })
  })

  test('that a viewer uploads are refused', async () => {
    const { token } = await client.tokens.create({ name: 'reader', role: 'viewer' })
    const viewer = new Jobyard({ url: server.url, token })
    const large = Buffer.alloc(900_000, '\n')
    await expect(viewer.packages.upload(large, 'run.sh')).rejects.toMatchObject({ code: 'role-insufficient' })
  })
})

describe('a job', () => {
  test('is made, changed, found, rolled back, stopped and removed', async () => {
    const { hash: first } = await client.packages.upload(Buffer.from('echo 1\n'), 'run.sh')
    const { hash: second } = await client.packages.upload(Buffer.from('echo 2\n'), 'run.sh')
    const made = await client.jobs.create({ name: 'life', package: first, spec: { env: { A: '1' } } })
    expect(made).toMatchObject({ name: 'life', kind: 'script', package: first, state: 'idle', latestRun: null })
    await expect(client.jobs.create({ name: 'life', package: first })).rejects.toMatchObject({ code: 'job-exists' })
    const { job, created } = await client.jobs.put({ name: 'life', package: second, policy: { timeout: '90s' } })
    expect(created).toBe(false)
    expect(job).toMatchObject({ id: made.id, package: second, policy: { timeout: '1m30s' }, spec: { env: { A: '1' } } })
    const schedule = { type: 'schedule', ncrontab: '0 0 3 * * *', timeZone: 'Europe/Berlin' } as const
    const patched = await client.jobs.patch('life', { triggers: [schedule], spec: { env: { A: null, B: '2' } } })
    expect(patched).toMatchObject({ triggers: [schedule], spec: { env: { B: '2' } }, nextDue: expect.any(String) })
    expect(await client.jobs.next('life', 2)).toHaveLength(2)
    expect(await client.jobs.occurrences('life').take()).toEqual([])
    expect((await client.jobs.packages('life')).map(({ hash, current }) => [hash, current])).toEqual([
      [second, true],
      [first, false],
    ])
    expect((await client.jobs.rollback('life')).package).toBe(first)
    expect((await client.jobs.stop('life')).enabled).toBe(false)
    expect((await client.jobs.start(String(made.number))).enabled).toBe(true)
    await client.jobs.remove(made.id)
    await expect(client.jobs.get('life')).rejects.toMatchObject({ code: 'job-unknown', status: 404 })
  })

  test('runs with arguments and a body, is suspended, resumed, stopped and run again', async () => {
    const script = 'echo "$1 $(cat "$JOBYARD_PAYLOAD_FILE")"; while [ "$2" = on ]; do sleep 0.05; done'
    const job = await deployScript(client, 'runs', script)
    const input = { args: ['a b', 'on'], payload: { contentType: 'text/plain', text: 'body' } }
    const run = await client.runs.create(job.id, input)
    await expect(client.runs.create(job.id)).rejects.toMatchObject({ code: 'run-refused', status: 409 })
    for await (const entry of client.output.follow(run.id)) {
      expect(entry.text).toBe('a b body\n')
      break
    }
    await client.runs.suspend(run.id)
    await client.runs.resume(run.id)
    await client.runs.stop(run.id)
    expect((await client.runs.wait(run.id)).state).toBe('stopped')
    const again = await client.runs.rerun(run.id)
    expect(again).toMatchObject({ why: 'rerun', args: input.args, number: 2 })
    await client.runs.stop(again.id)
    await client.runs.wait(again.id)
    expect((await client.runs.list({ job: job.id, state: ['stopped'] }).take()).map(({ number }) => number)).toEqual([
      2, 1,
    ])
    const [task] = await client.runs.tasks(run.id).take()
    expect(await client.runs.task(task?.id ?? '')).toEqual(task)
  })

  test('has a webhook whose password can be set, renewed and taken away', async () => {
    const job = await deployScript(client, 'hooked', 'true')
    const made = await client.webhooks.set(job.id)
    expect(await client.webhooks.get(job.id)).toEqual(made)
    const answer = await fetch(made.url, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${made.user}:${made.password}`)}` },
    })
    expect(answer.status).toBe(202)
    await answer.body?.cancel()
    const renewed = await client.webhooks.renew(job.id)
    expect(renewed.password).not.toBe(made.password)
    expect((await client.webhooks.set(job.id, { password: 'a-long-enough-password' })).password).toBe(
      'a-long-enough-password',
    )
    await client.webhooks.remove(job.id)
    await expect(client.webhooks.get(job.id)).rejects.toMatchObject({ status: 404 })
  })
})

describe('access', () => {
  test('tokens are made, listed without their secrets, and revoked; all of it is on record', async () => {
    const made = await client.tokens.create({ name: 'temporary', role: 'operator', expiresIn: '90d' })
    expect(made.token).toMatch(/^jy_/)
    const mine = new Jobyard({ url: server.url, token: made.token })
    expect(await mine.me()).toMatchObject({ name: 'temporary', role: 'operator' })
    const listed = (await client.tokens.list().take()).find(({ id }) => id === made.id)
    expect(listed).not.toHaveProperty('token')
    await client.tokens.revoke(made.id)
    await expect(mine.me()).rejects.toMatchObject({ code: 'token-invalid' })
    const actions = (await client.audit.list({ target: made.id }).take()).map(({ action }) => action)
    expect(actions).toEqual(['token.revoke', 'token.create'])
  })

  test('collections are made, found and taken away', async () => {
    const { id } = await client.collections.create('web')
    expect((await client.collections.get('web')).id).toBe(id)
    expect((await client.collections.list().take()).map(({ name }) => name)).toContain('web')
    await client.collections.remove('web')
    await expect(client.collections.get('web')).rejects.toMatchObject({ code: 'collection-unknown' })
  })
})

test('the states that the client knows are those of the model', () => {
  const known: Readonly<Record<State, true>> = {
    pending: true,
    running: true,
    blocked: true,
    suspending: true,
    suspended: true,
    stopping: true,
    disconnected: true,
    completed: true,
    failed: true,
    stopped: true,
  }
  expect(Object.keys(known)).toEqual([...STATES])
  expect(STATES.filter(isFinished)).toEqual(['completed', 'failed', 'stopped'])
})
