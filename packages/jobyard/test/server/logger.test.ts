import { PassThrough } from 'node:stream'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../src/server/logger.ts'
import { createDatabase } from '../support/postgres.ts'

function told(err: unknown): string {
  const to = new PassThrough()
  createLogger('error', to).error({ err }, 'it failed')
  return to.read().toString()
}

test('an error is told with its code and its cause, and without the objects that hang on it', () => {
  const to = new PassThrough()
  const cause = new Error('The wire broke.')
  const client = { secretKey: 12345, queries: ['select 1'] }
  const error = Object.assign(new Error('It was lost.', { cause }), { code: '57P01', client })
  createLogger('error', to).error({ err: error }, 'the database failed')
  const line: string = to.read().toString()
  const { err, msg } = JSON.parse(line)
  expect(msg).toBe('the database failed')
  expect(err).toMatchObject({ type: 'Error', message: 'It was lost.: The wire broke.', code: '57P01' })
  expect(err.stack).toContain('The wire broke.')
  expect(line).not.toContain('secretKey')
})

test('of what is thrown and is no error, only the words are told', () => {
  expect(told({ client: { secretKey: 'S3CRET' } })).not.toContain('S3CRET')
  expect(JSON.parse(told('It broke.')).err).toEqual({ type: 'string', message: 'It broke.' })
})

test('a row that the database refused is not told', async () => {
  const { url, drop } = await createDatabase()
  onTestFinished(drop)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('create table setting (name text not null, value text, n int not null)')
  const error = await client.query("insert into setting values ('PASSWORD', 'S3CRET', null)").catch((e: unknown) => e)
  expect(error).toMatchObject({ detail: expect.stringContaining('S3CRET') })
  const line = told(error)
  expect(line).not.toContain('S3CRET')
  expect(JSON.parse(line).err).toMatchObject({ code: '23502', message: expect.stringContaining('"n"') })
})

test('what an error is made of is told, each as an error is', () => {
  const second = Object.assign(new Error('second'), { detail: 'S3CRET' })
  const both = new AggregateError([new Error('first'), second], 'both')
  for (const error of [both, new Error('outer', { cause: both })]) {
    const line = told(error)
    expect(JSON.parse(line).err.errors).toMatchObject([{ message: 'first' }, { message: 'second' }])
    expect(line).not.toContain('S3CRET')
  }
})
