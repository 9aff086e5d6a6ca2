import { pathOf } from './call.ts'
import type { Transport } from './transport.ts'
import type { AppSetting, AppSettingInput } from './types.ts'

/** Which collection the settings are of. */
export interface SettingsScope {
  /** Name or id. Default: `default`, or the only one that the token is good for. */
  readonly collection?: string
}

/** App settings: names and values that the jobs of a collection get as environment, and that steer the server. */
export class Settings {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All settings of a collection, by name. Values of secret ones are null, and all values for who may not deploy. */
  async list(scope: SettingsScope = {}): Promise<readonly AppSetting[]> {
    return (await this.#transport.json<Answer>({ method: 'GET', path: PATH, query: { ...scope } })).items
  }

  /** Sets all settings of a collection; those that are not named are taken away. For deployers. */
  async replace(
    settings: Readonly<Record<string, AppSettingInput>>,
    scope: SettingsScope = {},
  ): Promise<readonly AppSetting[]> {
    return (await this.#transport.json<Answer>({ method: 'PUT', path: PATH, body: { ...scope, settings } })).items
  }

  /** Changes some settings; null takes one away. For deployers. */
  async change(
    settings: Readonly<Record<string, AppSettingInput | null>>,
    scope: SettingsScope = {},
  ): Promise<readonly AppSetting[]> {
    return (await this.#transport.json<Answer>({ method: 'PATCH', path: PATH, body: { ...scope, settings } })).items
  }

  /** Takes a setting away. Fails with `app-setting-unknown` when it is not there. For deployers. */
  async remove(name: string, scope: SettingsScope = {}): Promise<void> {
    await this.#transport.json({ method: 'DELETE', path: pathOf('v1', 'settings', name), query: { ...scope } })
  }
}

const PATH = '/v1/settings'

interface Answer {
  readonly items: readonly AppSetting[]
}
