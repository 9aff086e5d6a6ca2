import type { AppSetting } from '@jobyard/client'
import { Button } from '@mantine/core'
import { IconListDetails, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useCollection } from '../app/collection.ts'
import { useMay } from '../app/may.ts'
import { settingsQuery } from '../app/queries.ts'
import { CollectionChoice } from '../parts/collection-choice.tsx'
import { Loading, Page } from '../parts/page.tsx'
import { Empty, Problem } from '../parts/problem.tsx'
import { NoMatch, SearchBar } from '../parts/search-bar.tsx'
import { sayCount } from '../words/amounts.ts'
import { ALL_SETTINGS, filterSettings, SETTING_SHOWS } from './filter.ts'
import { LinesDialog } from './lines-dialog.tsx'
import { RemoveSetting } from './remove-setting.tsx'
import { SettingDialog } from './setting-dialog.tsx'
import { SettingRows } from './setting-rows.tsx'

const route = getRouteApi('/shell/app-settings')

/** What is being done to settings. */
type Doing =
  | { readonly what: 'add' }
  | { readonly what: 'lines' }
  | { readonly what: 'edit' | 'remove'; readonly setting: AppSetting }

/** The app settings of a collection: what its jobs get as environment, and what steers the server. */
export function AppSettings() {
  const { collection: asked } = route.useSearch()
  const navigate = route.useNavigate()
  const { names, name } = useCollection(asked)
  const choose = (collection: string): void => void navigate({ search: { collection } })
  const choice = name !== undefined && <CollectionChoice names={names} value={name} onChange={choose} />
  if (name === undefined) return <Loading />
  // What is being done to settings of one collection ends with the look at another.
  return <SettingsOf key={name} collection={name} choice={choice} />
}

function SettingsOf({ collection, choice }: { collection: string; choice: React.ReactNode }) {
  const may = useMay('deployer')
  const { data, error, refetch } = useQuery(settingsQuery(collection))
  const [doing, setDoing] = useState<Doing>()
  const actions = (
    <>
      {choice}
      {may && data !== undefined && (
        <>
          <Button
            variant="default"
            leftSection={<IconListDetails size={15} />}
            onClick={() => setDoing({ what: 'lines' })}
          >
            Edit as text
          </Button>
          <Button leftSection={<IconPlus size={15} />} onClick={() => setDoing({ what: 'add' })}>
            Add
          </Button>
        </>
      )}
    </>
  )
  return (
    <Page title="App settings" fixed actions={actions}>
      <p className="quiet lead">
        Every job of <b>{collection}</b> gets these as environment variables; some steer the server as well.
        {!may && ' Values are shown to deployers, and changed by them.'}
      </p>
      {error !== null && <Problem error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Loading rows={6} />}
      {data !== undefined && (
        <Listed
          settings={data}
          onEdit={may ? (setting) => setDoing({ what: 'edit', setting }) : undefined}
          onRemove={(setting) => setDoing({ what: 'remove', setting })}
        />
      )}
      {data !== undefined && doing !== undefined && (
        <Dialogs collection={collection} settings={data} doing={doing} onClose={() => setDoing(undefined)} />
      )}
    </Page>
  )
}

interface ListedProps {
  readonly settings: readonly AppSetting[]
  /** Absent for whoever may not. */
  readonly onEdit: ((setting: AppSetting) => void) | undefined
  readonly onRemove: (setting: AppSetting) => void
}

function Listed({ settings, onEdit, onRemove }: ListedProps) {
  const [view, setView] = useState(ALL_SETTINGS)
  const shown = useMemo(() => filterSettings(settings, view), [settings, view])
  if (settings.length === 0) return <NoSettings may={onEdit !== undefined} />
  return (
    <>
      <SearchBar
        view={view}
        onView={setView}
        label="Search"
        placeholder="Search names and values"
        shows={SETTING_SHOWS}
        count={sayCount(settings.length, 'setting')}
      />
      <SettingRows
        settings={shown}
        onEdit={onEdit}
        onRemove={onRemove}
        foot={shown.length === 0 && <NoMatch title="No setting fits." onClear={() => setView(ALL_SETTINGS)} />}
      />
    </>
  )
}

function NoSettings({ may }: { may: boolean }) {
  return (
    <Empty title="No app settings yet">
      <p>
        A setting is a name and a value, such as an address or a password, that is the same for all jobs. What is secret
        is kept encrypted and replaced by *** in output.
      </p>
      {may && <p>A whole list of NAME=VALUE lines goes in at once under “Edit as text”. From a terminal:</p>}
      {may && <pre>jobyard settings set REGION=eu{'\n'}jobyard settings set API_KEY --secret</pre>}
    </Empty>
  )
}

interface DialogsProps {
  readonly collection: string
  readonly settings: readonly AppSetting[]
  readonly doing: Doing
  readonly onClose: () => void
}

function Dialogs({ collection, settings, doing, onClose }: DialogsProps) {
  const common = { collection, settings, onClose }
  switch (doing.what) {
    case 'add':
      return <SettingDialog {...common} setting={undefined} />
    case 'edit':
      return <SettingDialog {...common} setting={doing.setting} />
    case 'lines':
      return <LinesDialog {...common} />
    case 'remove':
      return <RemoveSetting collection={collection} setting={doing.setting} onClose={onClose} />
  }
}
