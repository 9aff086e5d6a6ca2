import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ROOT } from './checkout.ts'

const bench = (...words: string[]) =>
  spawnSync(process.execPath, ['bench/run.ts', ...words], { cwd: ROOT, encoding: 'utf8' })

test.each([['--help'], ['-h']])('the measures say how they are called with %s', (word) => {
  expect(bench(word)).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Usage: npm run bench/) })
})

test('the measures say what they do not understand, without a stack', () => {
  const { status, stderr } = bench('script', '--rnus', '1')
  expect(status).toBe(2)
  expect(stderr).toContain('--rnus')
  expect(stderr).toContain('Usage: npm run bench')
  expect(stderr).not.toMatch(/^ {4}at /m)
})
