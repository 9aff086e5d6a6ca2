import type { AuditEntry } from '../store/procedures/audit.ts'
import { Authenticator } from './auth/authenticator.ts'
import { Directory } from './directory.ts'
import { Hooks } from './hooks/hooks.ts'
import { JobData } from './job-data/job-data.ts'
import { PackageEdits } from './package-edits/package-edits.ts'
import { type ApiServices, type ApiSettings, DEFAULT_SETTINGS } from './services.ts'
import { Uploads } from './uploads.ts'
import { Webhooks } from './webhooks.ts'

/** How the interface is set up, with every default filled in. */
export type FullSettings = Required<Omit<ApiSettings, 'tls'>>

/** What the routes of every interface work with, `/v1` and the dialects. */
export interface ServiceContext {
  readonly services: ApiServices
  readonly settings: FullSettings
  readonly authenticator: Authenticator
  readonly directory: Directory
  readonly webhooks: Webhooks
  readonly hooks: Hooks
  readonly uploads: Uploads
  /** The data folders of jobs; null where they are not to be seen. */
  readonly data: JobData | null
  /** Changes of single files of jobs. */
  readonly edits: PackageEdits
  /** Aborts when the server is about to close: live streams end then. */
  readonly closing: AbortSignal
}

/** Makes what routes work with; to be opened before they are used, and closed at the end. */
export function createServiceContext(services: ApiServices, closing: AbortSignal): ServiceContext {
  const { store, clock, ids, logger } = services
  const { tls: _, ...given } = services.settings
  const settings = { behindProxy: false, ...DEFAULT_SETTINGS, ...given }
  const directory = new Directory(services)
  const webhooks = new Webhooks(services)
  const { lasting } = services
  const note = (entry: AuditEntry) => store.write('addAudit', { entry, at: clock.now() })
  return {
    services,
    settings,
    authenticator: new Authenticator(store, clock, (err) => logger.warn({ err }, 'uses of tokens are not noted')),
    directory,
    webhooks,
    hooks: new Hooks(services),
    uploads: new Uploads(settings.uploadFolder, ids, settings.uploadBytes),
    data: lasting === undefined ? null : new JobData(lasting, ids, settings.uploadBytes, note),
    edits: new PackageEdits({ services, webhooks, directory }),
    closing,
  }
}

/** Takes up what an earlier server left, and removes what it left half done. */
export async function openServiceContext({ uploads, data, edits }: ServiceContext): Promise<void> {
  await uploads.open()
  await data?.open()
  await edits.open()
}

/** Ends what goes on by itself. */
export async function closeServiceContext({ edits, authenticator }: ServiceContext): Promise<void> {
  await edits.stop()
  await authenticator.stop()
}
