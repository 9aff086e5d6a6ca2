import { renderSettings } from '../../packages/jobyard/src/config/describe.ts'
import { renderCommands } from './commands.ts'
import { renderErrors } from './errors.ts'
import { type OpenApiDocument, renderInterface } from './interface.ts'

const GENERATED = '<!-- Written by `npm run docs`; do not edit. -->\n\n'

/** A page of the documentation that follows from the code. */
export interface Page {
  /** Below docs/. */
  readonly path: string
  readonly text: string
}

/** All pages that follow from the code as it is now. `document` is what a running server says of its interface. */
export async function renderPages(document: OpenApiDocument): Promise<Page[]> {
  const pages = [
    { path: 'reference/settings.md', text: renderSettings() },
    { path: 'reference/errors.md', text: renderErrors() },
    { path: 'reference/commands.md', text: await renderCommands() },
    { path: 'reference/http.md', text: renderInterface(document) },
  ]
  return pages.map(({ path, text }) => ({ path, text: GENERATED + text }))
}
