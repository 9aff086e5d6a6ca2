import type { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import type { Ids } from '../domain/ids.ts'
import type { AppSettings } from '../engine/app-settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { Events } from '../engine/events.ts'
import type { Jobs } from '../engine/jobs.ts'
import type { JobKind } from '../engine/kind.ts'
import type { ArchiveLimits } from '../kinds/script/archive-limits.ts'
import type { PackageParts } from '../kinds/script/compose.ts'
import type { PackageTree } from '../kinds/script/package-tree.ts'
import type { PackageView, Received } from '../kinds/script/packages.ts'
import type { LimitSupport } from '../process/contract.ts'
import type { OutputStore } from '../store/output/contract.ts'
import type { Repository } from '../store/procedures/index.ts'
import type { Sealer } from '../store/seal.ts'
import type { HookCalls } from './hooks/hooks.ts'
import type { LastingFolders } from './job-data/data-folders.ts'

/** Everything that the interface stands on. Whoever makes these also stops them, after the interface is closed. */
export interface ApiServices {
  readonly engine: Engine
  readonly jobs: Jobs
  readonly store: Repository
  readonly output: OutputStore
  readonly events: Events
  readonly clock: Clock
  readonly ids: Ids
  readonly kinds: ReadonlyMap<string, JobKind>
  /** The app settings of collections. */
  readonly appSettings: AppSettings
  /** The loopback port that a continuous job which runs here was given as WEBJOBS_PORT; undefined for any other. */
  readonly jobPort?: (jobId: string) => number | undefined
  /** Encrypts webhook passwords and the answers that are kept for idempotency keys. */
  readonly sealer: Sealer
  readonly packages: PackageService
  /** Where jobs keep what they want to keep. Absent: that is not to be seen here. */
  readonly lasting?: LastingFolders
  /** Who makes the calls of hooks. Absent: nobody does here. */
  readonly hookCalls?: HookCalls
  /** How limits are kept on this machine, for `/v1/status`. */
  readonly limits: LimitSupport
  readonly logger: Logger
  /** Version of the program. */
  readonly version: string
  readonly settings: ApiSettings
  /** Whether requests can be served: `/health/ready` answers 503 until then. */
  isReady(): boolean
}

/** How the interface is set up. */
export interface ApiSettings {
  /** The address at which others reach the server, without a slash at its end; asked for whenever a webhook is shown. */
  publicUrl(): string
  /** Absolute path of the data folder; shown to admins. */
  readonly dataFolder: string
  /** A folder for uploads under way, of the interface alone: it is emptied at the start. */
  readonly uploadFolder: string
  /** Runs at a time on this instance; shown. */
  readonly concurrency: number
  /** The deployment slot of this server. Default `production`. */
  readonly slot?: string
  /** The largest JSON body, in bytes. Default 1 MB. */
  readonly bodyBytes?: number
  /** The largest body of a webhook, in bytes. Default 1 MB. */
  readonly payloadBytes?: number
  /** The largest upload, in bytes. Default 256 MB. */
  readonly uploadBytes?: number
  /** Live streams at a time, of everybody together. Default 1,000. */
  readonly liveStreams?: number
  /** Live streams at a time with one token. Default 100. */
  readonly liveStreamsPerToken?: number
  /** Milliseconds after which a connection on which nothing moves is closed. Default 120,000; live streams move every 15 s. */
  readonly quietMs?: number
  /** Milliseconds between two signs of life on a live stream. Default 15,000. */
  readonly heartbeatMs?: number
  /** True: one proxy stands before the server, whose word on the caller's address (X-Forwarded-For) is believed. Default false. */
  readonly behindProxy?: boolean
  /** The folder of the built portal; null where there is none, and a plain page tells what this is. Default null. */
  readonly pagesFolder?: string | null
  /** Certificate and key in PEM: the server speaks HTTPS. Default: HTTP. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}

/** A setting that is left out takes its value from here. */
export const DEFAULT_SETTINGS = {
  slot: 'production',
  bodyBytes: 1024 * 1024,
  payloadBytes: 1024 * 1024,
  uploadBytes: 256 * 1024 * 1024,
  liveStreams: 1000,
  liveStreamsPerToken: 100,
  quietMs: 120_000,
  heartbeatMs: 15_000,
  pagesFolder: null,
} as const

/** What the interface wants of uploaded packages. */
export interface PackageService {
  /**
   * Takes in an upload that lies complete in a file, and enters it in the repository, so that a job can name its hash.
   * The file stays the caller's. Throws what the kind throws about its contents.
   */
  receive(path: string, fileName: string, how?: Received): Promise<PackageView>
  /** What a package is. Throws `package-not-found` or `package-unknown`. */
  describe(hash: string): Promise<PackageView>
  /** The script that a package runs, relative to its top. Throws `package-unknown`. */
  scriptFile(hash: string): Promise<string>
  /** Its files, by name. */
  list(hash: string): Promise<readonly PackageFileView[]>
  /** Opens a file for reading. Throws `package-file-not-found`. */
  openFile(hash: string, path: string): Promise<{ readonly stream: Readable; readonly bytes: number }>
  /** What packages may hold at the most. */
  readonly limits: ArchiveLimits
  /** Its files and folders, with their times. Throws `package-not-found`. */
  tree(hash: string): Promise<PackageTree>
  /** Where a file of a package lies, whose name must be one of its tree. */
  pathOf(hash: string, path: string): string
  /** Makes a package of single files, and enters it. Throws what the kind throws about its contents. */
  receiveParts(parts: PackageParts): Promise<PackageView>
}

/** A file of a package as it is shown. */
export interface PackageFileView {
  /** Relative, with `/` between folders. */
  readonly path: string
  readonly bytes: number
  readonly executable: boolean
}
