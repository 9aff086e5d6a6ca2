import { type Command, Option } from 'commander'
import { type Build, type Connected, connected, noun, verb } from '../shape.ts'
import type { TokenCreateOptions } from '../token.ts'

/** The commands of tokens and collections. */
export function addAccess(program: Command, build: Build): void {
  addTokens(
    noun(program, 'token', 'who may do what; for admins', [
      'jobyard token create deploy --role deployer --expires 90d',
      'jobyard token list',
      'jobyard token revoke deploy',
    ]),
    build,
  )
  addCollections(
    noun(program, 'collection', 'groups of jobs, which tokens can be limited to', [
      'jobyard collection create nightly',
      'jobyard collection list',
    ]),
    build,
  )
}

function addTokens(token: Command, { terminal }: Build): void {
  const create = verb(token, 'create <name>', 'make a token, which is shown this once', [
    'jobyard token create alice --role operator',
    'jobyard token create ci --role deployer --collection web --expires 90d',
  ])
    .addOption(
      new Option('--role <role>', 'what it may do; each role may do what the later ones may')
        .choices(['admin', 'deployer', 'operator', 'viewer'])
        .makeOptionMandatory(),
    )
    .option('--collection <name>', 'the only collection that it is good for (default: all)')
    .option('--expires <duration>', 'how long it is good, such as 90d (default: until it is revoked)')
  connected(create).action(async (name: string, options: TokenCreateOptions) => {
    await (await import('../token.ts')).createToken(terminal, name, options)
  })
  const list = verb(token, 'list', 'list all tokens, without their secrets', ['jobyard token list'])
  connected(list).action(async (options: Connected) => {
    await (await import('../token.ts')).listTokens(terminal, options)
  })
  const revoke = verb(token, 'revoke <name>', 'make a token worthless from now on; by name or id', [
    'jobyard token revoke alice',
  ])
  connected(revoke).action(async (name: string, options: Connected) => {
    await (await import('../token.ts')).revokeToken(terminal, name, options)
  })
}

function addCollections(collection: Command, { terminal }: Build): void {
  const create = verb(collection, 'create <name>', 'make a collection', ['jobyard collection create web'])
  connected(create).action(async (name: string, options: Connected) => {
    await (await import('../collection.ts')).createCollection(terminal, name, options)
  })
  const list = verb(collection, 'list', 'list all collections', ['jobyard collection list'])
  connected(list).action(async (options: Connected) => {
    await (await import('../collection.ts')).listCollections(terminal, options)
  })
  const folder = verb(
    collection,
    'folder <name>',
    'show the folder that its jobs come from, and what in it is no job',
    ['jobyard collection folder default'],
  )
  connected(folder).action(async (name: string, options: Connected) => {
    await (await import('../collection.ts')).showFolder(terminal, name, options)
  })
  const remove = verb(collection, 'rm <name>', 'take an empty collection away', ['jobyard collection rm web'])
  connected(remove).action(async (name: string, options: Connected) => {
    await (await import('../collection.ts')).removeCollection(terminal, name, options)
  })
}
