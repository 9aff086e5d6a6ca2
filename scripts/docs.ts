/** Writes the pages of the documentation that follow from the code: `npm run docs`. A test fails when they are not fresh. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenApiDocument } from './docs/interface.ts'
import { renderPages } from './docs/pages.ts'
import { startServerProcess } from './server.ts'

const docs = join(import.meta.dirname, '..', 'docs')

const folder = await mkdtemp(join(tmpdir(), 'jobyard-docs-'))
try {
  await using server = await startServerProcess({ data: join(folder, 'data') })
  const answer = await fetch(`${server.address}/v1/openapi.json`)
  for (const { path, text } of await renderPages((await answer.json()) as OpenApiDocument))
    await writeFile(join(docs, path), text)
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.stdout.write('The generated pages in docs/reference are fresh.\n')
