import type { AppSetting } from '@jobyard/client'
import { steeringOf } from '../words/steering.ts'

/** Which settings are shown. */
export interface SettingView {
  readonly search: string
  readonly show: SettingShow
}

/** What can be looked for, besides a text. */
export type SettingShow = 'all' | 'steering' | 'secret' | 'pinned'

/** The looks, in the order in which they are offered. */
export const SETTING_SHOWS: readonly { readonly value: SettingShow; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'steering', label: 'Steer the server' },
  { value: 'secret', label: 'Secret' },
  { value: 'pinned', label: 'Of one slot' },
]

const TESTS: Readonly<Record<SettingShow, (setting: AppSetting) => boolean>> = {
  all: () => true,
  steering: ({ name }) => steeringOf(name) !== undefined,
  secret: ({ secret }) => secret,
  pinned: ({ slot }) => slot !== null,
}

/** Everything. */
export const ALL_SETTINGS: SettingView = { search: '', show: 'all' }

/** The settings that a view lets through: those with its text in their names or values. */
export function filterSettings(settings: readonly AppSetting[], { search, show }: SettingView): readonly AppSetting[] {
  const text = search.trim().toLowerCase()
  return settings.filter(
    (setting) => TESTS[show](setting) && `${setting.name}\n${setting.value ?? ''}`.toLowerCase().includes(text),
  )
}
