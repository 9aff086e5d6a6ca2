import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})

afterAll(async () => {
  await yard.server.stop()
})

it('says of a job that it uses the SDK once it has left the mark of it in its data folder', async () => {
  await yard.script('triggered', 'plain', 'exit 0\n')
  await yard.script('triggered', 'modern', 'touch "$WEBJOBS_DATA_PATH/webjobssdk.marker"\n')
  await Promise.all([yard.runToEnd('plain'), yard.runToEnd('modern')])
  const jobs: readonly { name: string; using_sdk: boolean }[] = JSON.parse(
    (await yard.call('/api/triggeredwebjobs')).body,
  )
  expect(jobs.map(({ name, using_sdk }) => [name, using_sdk])).toEqual([
    ['modern', true],
    ['plain', false],
  ])
  expect(JSON.parse((await yard.call('/api/triggeredwebjobs/modern')).body)).toMatchObject({ using_sdk: true })
})

it('follows no link of that name, which would tell a job what there is elsewhere', async () => {
  const mark = '"$WEBJOBS_DATA_PATH/webjobssdk.marker"'
  await yard.script('triggered', 'linked', `ln -s /etc/passwd ${mark}\n`)
  await yard.script('triggered', 'nothing', `ln -s /no/such/file ${mark}\n`)
  await yard.script('triggered', 'folder', `mkdir ${mark}\n`)
  for (const name of ['linked', 'nothing', 'folder']) {
    expect((await yard.runToEnd(name)).status).toBe('Success')
    expect(JSON.parse((await yard.call(`/api/triggeredwebjobs/${name}`)).body), name).toMatchObject({
      using_sdk: false,
    })
  }
})
