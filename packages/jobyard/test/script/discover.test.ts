import { expect, test } from 'vitest'
import { type DiscoverOptions, type Discovery, discoverScript } from '../../src/kinds/script/discover.ts'
import type { Host } from '../../src/kinds/script/interpreters.ts'
import { type PackageTree, parentOf } from '../../src/kinds/script/package-tree.ts'
import { refusal } from './fixtures.ts'

/** A tree of these names; those that end with a slash are folders without files. */
function treeOf(...names: readonly string[]): PackageTree {
  const folders = new Set<string>()
  for (const name of names) for (let up = parentOf(name); up !== ''; up = parentOf(up)) folders.add(up)
  const paths = names.filter((name) => !name.endsWith('/'))
  const files = paths.map((path) => ({ path, bytes: 1, executable: false, modified: 0, sha256: '' }))
  return { files, folders: [...folders] }
}

function find(names: readonly string[], options: DiscoverOptions = { platform: 'linux' }): Discovery {
  return discoverScript(treeOf(...names), options)
}

const WINDOWS: DiscoverOptions = { platform: 'win32' }

test.each([
  // The order of hosts, run.* first, as on Windows, where all of them exist.
  [['run.cmd', 'run.bat', 'run.exe', 'run.ps1', 'run.sh', 'run.py', 'run.php', 'run.js'], 'run.cmd'],
  [['run.js', 'run.php', 'run.py', 'run.sh', 'run.ps1', 'run.exe', 'run.bat'], 'run.bat'],
  [['run.js', 'aaa.cmd'], 'run.js'],
  [['do.bat', 'go.cmd', 'console.exe'], 'go.cmd'],
  [['do.bat', 'console.exe'], 'do.bat'],
  [['console.exe', 'execute.ps1'], 'console.exe'],
  [['invoke.sh', 'execute.ps1'], 'execute.ps1'],
  [['b.cmd', 'a.bat', 'c.cmd'], 'b.cmd'],
])('on Windows %j runs %s', (names, script) => {
  expect(find(names, WINDOWS)).toMatchObject({ file: script, directory: '', warnings: [] })
})

test.each([
  [['job.sh', 'job.py'], 'job.sh', 'bash', 'bash'],
  [['job.php', 'job.py'], 'job.py', 'python', 'python3'],
  [['job.js', 'job.php'], 'job.php', 'php', 'php'],
  [['job.jar', 'job.ts', 'job.mjs'], 'job.mjs', 'node', 'node'],
  [['job.ts', 'job.js'], 'job.js', 'node', 'node'],
  [['app.jar', 'job.ts'], 'job.ts', 'node', 'node'],
  [['app.jar', 'readme.md'], 'app.jar', 'java', 'java'],
  [['execute.ps1', 'a.sh'], 'execute.ps1', 'powershell', 'pwsh'],
  [['a.sh', 'run.ts'], 'run.ts', 'node', 'node'],
  [['run.jar', 'a.sh'], 'run.jar', 'java', 'java'],
  [['b.sh', 'a.sh', 'B.sh'], 'B.sh', 'bash', 'bash'],
  [['RUN.SH', 'a.sh'], 'RUN.SH', 'bash', 'bash'],
  [['Job.PY'], 'Job.PY', 'python', 'python3'],
  [['ä.sh', 'z.sh', '\u{10000}.sh', '\uffee.sh'], 'z.sh', 'bash', 'bash'],
  [['\u{10000}.sh', '\uffee.sh'], '\uffee.sh', 'bash', 'bash'],
  [['my run.sh', 'no.run.sh'], 'my run.sh', 'bash', 'bash'],
])('%j runs %s with %s', (names, script, host, interpreter) => {
  expect(find(names)).toEqual({ file: script, directory: '', host, interpreter, warnings: [] })
})

test('lone folders are descended into, and only lone ones', async () => {
  expect(find(['wrap/inner/run.py', 'wrap/inner/lib/x.sh'])).toMatchObject({
    file: 'wrap/inner/run.py',
    directory: 'wrap/inner',
  })
  expect(find(['run.py', 'lib/run.sh'])).toMatchObject({ file: 'run.py', directory: '' })
  for (const names of [
    ['a/run.sh', 'b/run.sh'],
    ['a/run.sh', 'settings.job'],
    ['a/run.sh', 'b/'],
    ['a/run.sh', 'a/b/run.sh', 'x'],
  ]) {
    await refusal(() => find(names), 'script-missing')
  }
})

test('what macOS adds to archives does not hide the folder', () => {
  const names = ['job/run.sh', 'job/.DS_Store', '.DS_Store', '__MACOSX/._job', '__MACOSX/job/._run.sh']
  expect(find(names)).toMatchObject({ file: 'job/run.sh', directory: 'job' })
})

test('without a script the error lists what there is and what would be run', async () => {
  const error = await refusal(() => find(['wrap/readme.md', 'wrap/settings.job', 'wrap/lib/run.sh']), 'script-missing')
  expect(error).toMatchObject({
    status: 400,
    field: 'package',
    data: { found: ['readme.md', 'settings.job'], directory: 'wrap' },
  })
  expect(error.message).toContain('in the folder "wrap": there are "readme.md", "settings.job"')
  expect(error.message).toContain(
    'What is run there: run.ps1, run.sh, run.py, run.php, run.js, run.mjs, run.ts, run.jar, or any',
  )
  expect((await refusal(() => find(['a/run.sh', 'b/run.sh']))).message).toContain('no files, and the folders "a", "b"')
  expect((await refusal(() => find([]))).message).toContain('no files, and no folders')
  const many = Array.from({ length: 12 }, (_, index) => `f${index}.txt`)
  expect((await refusal(() => find(many))).message).toContain('and 2 more')
})

test('without a script on Windows the error names what only Windows runs, too', async () => {
  const error = await refusal(() => find(['readme.md'], WINDOWS))
  expect(error.message).toContain('What is run there: run.cmd, run.bat, run.exe, run.ps1, run.sh,')
})

test('scripts for Windows are passed over elsewhere, with a warning, and alone give an error that says so', async () => {
  const found = find(['run.cmd', 'tool.exe', 'job.sh'])
  expect(found.file).toBe('job.sh')
  expect(found.warnings.map((each) => each.message)).toEqual([
    '"run.cmd" runs on Windows only; "job.sh" is run instead.',
  ])
  for (const name of ['run.cmd', 'go.bat', 'tool.EXE']) {
    const error = await refusal(() => find([name, 'readme.md']), 'script-unsupported')
    expect(error.message).toBe(`The script "${name}" runs on Windows only, and this server runs on linux.`)
  }
})

test('dead technologies are named when there is nothing else, and ignored beside a script', async () => {
  expect((await refusal(() => find(['job.fsx']), 'script-unsupported')).message).toContain(
    'F# scripts (.fsx) are not supported',
  )
  expect((await refusal(() => find(['project.json', 'Program.cs']), 'script-unsupported')).message).toContain(
    'DNX projects',
  )
  expect(find(['project.json', 'index.js']).file).toBe('index.js')
})

test('a missing interpreter gives way to another script of the same rank only', () => {
  const without = (...missing: Host[]): DiscoverOptions => ({
    platform: 'linux',
    isInstalled: (host) => !missing.includes(host),
  })
  const moved = find(['run.ps1', 'run.sh'], without('powershell'))
  expect(moved.file).toBe('run.sh')
  expect(moved.warnings[0]?.message).toBe('pwsh for "run.ps1" is not installed; "run.sh" is run instead.')
  expect(find(['go.ps1', 'job.sh'], without('powershell')).file).toBe('job.sh')
  expect(find(['run.py', 'helper.sh'], without('python'))).toMatchObject({ file: 'run.py', warnings: [] })
  expect(find(['run.py'], without('python'))).toMatchObject({ file: 'run.py', warnings: [] })
  expect(find(['run.ps1', 'run.py'], without('python', 'powershell')).file).toBe('run.ps1')
})
