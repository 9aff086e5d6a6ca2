import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from '../../src/server/logger.ts'

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
