import { Jobyard, JobyardProblem } from '@jobyard/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer
let client: Jobyard

beforeAll(async () => {
  server = await startTestServer()
  client = new Jobyard({ url: await server.listen(), token: server.admin })
})
afterAll(() => server.stop())

test('the client uploads, deploys, runs, follows and waits', async () => {
  server.kind.work = (_task, context) => {
    context.output('output', 'hello')
    return { state: 'completed', usage: { cpuMs: 1, peakBytes: 1, exitCode: 0 } }
  }
  const { hash } = await client.packages.upload(new Blob(['#!/bin/sh\necho hello\n']), 'run.sh')
  const { job, created } = await client.jobs.put({ name: 'deployed', package: hash, triggers: [{ type: 'webhook' }] })
  expect([created, job.package, job.state]).toEqual([true, hash, 'idle'])
  const run = await client.runs.create('deployed', { args: 'a "b c"' })
  expect(run.args).toEqual(['a', 'b c'])
  const following = client.output.follow(run.id)
  expect((await following.next()).value).toMatchObject({ seq: 1, text: 'hello' })
  expect(await following.next()).toMatchObject({ done: true, value: { state: 'completed', exitCode: 0 } })
  expect((await client.runs.wait(run.id)).state).toBe('completed')
  expect((await client.webhooks.get('deployed')).password).toMatch(/^[\w-]{43}$/)
  expect(await client.packages.files(hash)).toMatchObject([{ path: 'run.sh' }])
  expect(await client.runs.list({ job: 'deployed', state: ['completed', 'failed'] }).take()).toHaveLength(1)
})

test('the client is told what is wrong', async () => {
  await expect(client.jobs.get('none')).rejects.toThrow(JobyardProblem)
  await expect(client.schedules.preview({ ncrontab: '* * *' })).rejects.toMatchObject({
    code: 'schedule-invalid',
    status: 400,
    field: 'ncrontab',
  })
})
