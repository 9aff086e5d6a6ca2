import { type FileRequest, Jobyard } from '@jobyard/client'
import { describe, expect, test } from 'vitest'

const never: typeof fetch = () => Promise.reject(new Error('fetch was used'))

function clientWith(sendFile: (request: FileRequest) => Promise<Response>): Jobyard {
  return new Jobyard({ url: 'http://jobs.example', token: 'jy_x', fetch: never, sendFile, retries: 0 })
}

const script = new Blob(['#!/bin/sh\n'])

describe('a client that sends files in a way of its own', () => {
  test('hands over the file as it is, with everything that belongs to the request', async () => {
    const asked: FileRequest[] = []
    const client = clientWith(async (request) => {
      asked.push(request)
      request.onProgress?.(4, 10)
      return Response.json({ hash: 'abc' }, { status: 201 })
    })
    const progress: (number | undefined)[][] = []
    const sent = await client.packages.upload(script, 'run me.sh', { onProgress: (...each) => progress.push(each) })
    expect(sent.hash).toBe('abc')
    expect(asked).toMatchObject([
      {
        method: 'POST',
        blob: script,
        headers: { authorization: 'Bearer jy_x', 'content-type': 'application/octet-stream' },
      },
    ])
    expect(String(asked[0]?.url)).toBe('http://jobs.example/v1/packages?filename=run+me.sh')
    expect(progress).toEqual([[4, 10]])
  })

  test('tells refusals and broken connections like any other', async () => {
    const problem = { code: 'script-missing', title: 'None.', detail: 'No script was found.', hint: 'Add one.' }
    const refused = clientWith(async () => Response.json(problem, { status: 400 })).packages.upload(script, 'a.zip')
    await expect(refused).rejects.toMatchObject({ ...problem, name: 'JobyardProblem', status: 400 })
    const broken = clientWith(() => Promise.reject(new TypeError('gone'))).packages.upload(script, 'a.zip')
    await expect(broken).rejects.toMatchObject({ code: 'server-unreachable' })
  })

  test('sends what is no file by fetch, as ever', async () => {
    const client = clientWith(() => Promise.reject(new Error('sendFile was used')))
    await expect(client.packages.upload(new Uint8Array([1]), 'run.sh')).rejects.toThrow('fetch was used')
  })
})
