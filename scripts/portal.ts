/** Builds the portal's pages when they are missing or older than what they are made of; `npm start` begins with it. */
import { buildPortal } from './portal/build.ts'

try {
  if (await buildPortal()) process.stdout.write('The pages are built.\n')
} catch (error) {
  // The server does without: it shows a plain page in their place.
  const why = error instanceof Error ? error.message : String(error)
  process.stderr.write(`warning: the pages could not be built, and the server starts without them: ${why}\n`)
}
