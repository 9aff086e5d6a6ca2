import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { DATA_OF, FILES_OF, type FilesYard, openFilesYard } from './files-yard.ts'

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
})
