import { Authenticator } from './auth/authenticator.ts'
import { Directory } from './directory.ts'
import { Hooks } from './hooks/hooks.ts'
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
  /** Aborts when the server is about to close: live streams end then. */
  readonly closing: AbortSignal
}

/** Makes what routes work with. The folder of uploads is to be opened, and the authenticator to be stopped at the end. */
export function createServiceContext(services: ApiServices, closing: AbortSignal): ServiceContext {
  const { store, clock, ids, logger } = services
  const { tls: _, ...given } = services.settings
  const settings = { behindProxy: false, ...DEFAULT_SETTINGS, ...given }
  return {
    services,
    settings,
    authenticator: new Authenticator(store, clock, (err) => logger.warn({ err }, 'uses of tokens are not noted')),
    directory: new Directory(services),
    webhooks: new Webhooks(services),
    hooks: new Hooks(services),
    uploads: new Uploads(settings.uploadFolder, ids, settings.uploadBytes),
    closing,
  }
}
