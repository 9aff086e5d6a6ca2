/** Builds the portal's pages when they are missing or older than what they are made of; `npm start` begins with it. */
import { buildPortal } from './portal/build.ts'

try {
  if (await buildPortal()) process.stdout.write('The pages are built.\n')
} catch (error) {
  // The server does without: it shows those that were built before, or a plain page in their place, and says so.
  const why = error instanceof Error ? error.message : String(error)
  process.stderr.write(`warning: the pages of the portal could not be built: ${why}\n`)
  // Started by npm before the server, which must come up all the same; asked for by name, it has failed.
  if (process.env.npm_lifecycle_event === 'portal') process.exitCode = 1
}
