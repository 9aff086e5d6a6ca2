import type { Hook } from '@jobyard/client'
import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useCollection } from '../app/collection.ts'
import { useMay } from '../app/may.ts'
import { hooksQuery } from '../app/queries.ts'
import { CollectionChoice } from '../parts/collection-choice.tsx'
import { Loading, Page, Section } from '../parts/page.tsx'
import { Empty, Notice, Problem } from '../parts/problem.tsx'
import { AddHook } from './add-hook.tsx'
import { HookItem } from './hook-item.tsx'
import { RemoveHook } from './remove-hook.tsx'
import { SentBody } from './sent-body.tsx'

const route = getRouteApi('/shell/web-hooks')

/** The addresses that are called when something happens in a collection, and how the last call went. */
export function WebHooks() {
  const { collection: asked } = route.useSearch()
  const navigate = route.useNavigate()
  const { names, name } = useCollection(asked)
  const may = useMay('deployer')
  if (name === undefined) return <Loading />
  if (!may) {
    return (
      <Page title="Web hooks">
        <Notice tone="wait">
          Web hooks are shown to deployers: their addresses often hold a password. Sign in with a token of the role
          deployer to see them.
        </Notice>
      </Page>
    )
  }
  const choose = (collection: string): void => void navigate({ search: { collection } })
  const choice = <CollectionChoice names={names} value={name} onChange={choose} />
  return <HooksOf key={name} collection={name} choice={choice} />
}

type Doing = { readonly what: 'add' } | { readonly what: 'remove' | 'look'; readonly hook: Hook }

function HooksOf({ collection, choice }: { collection: string; choice: ReactNode }) {
  const { data, error, refetch } = useQuery(hooksQuery(collection))
  const [doing, setDoing] = useState<Doing>()
  const close = (): void => setDoing(undefined)
  const actions = (
    <>
      {choice}
      <Button leftSection={<IconPlus size={15} />} onClick={() => setDoing({ what: 'add' })}>
        Add
      </Button>
    </>
  )
  return (
    <Page title="Web hooks" actions={actions}>
      <p className="quiet lead">
        Addresses that are called when something happens in <b>{collection}</b>: a POST with JSON, made once, with ten
        seconds for the answer.
      </p>
      {error !== null && <Problem error={error} again={() => void refetch()} />}
      {data === undefined && error === null && <Loading rows={4} />}
      {data?.length === 0 && <NoHooks />}
      {data !== undefined && data.length > 0 && (
        <Section title="Hooks">
          <ul className="items">
            {data.map((hook) => (
              <HookItem
                key={hook.id}
                hook={hook}
                onLook={() => setDoing({ what: 'look', hook })}
                onRemove={() => setDoing({ what: 'remove', hook })}
              />
            ))}
          </ul>
        </Section>
      )}
      {doing?.what === 'add' && <AddHook collection={collection} hooks={data ?? []} onClose={close} />}
      {doing?.what === 'remove' && <RemoveHook hook={doing.hook} onClose={close} />}
      {doing?.what === 'look' && <SentBody hook={doing.hook} onClose={close} />}
    </Page>
  )
}

function NoHooks() {
  return (
    <Empty title="Nobody is called yet">
      <p>
        Have an address called at each end of a run, with how it ended: a chat, a dashboard, or whatever took the web
        hooks of WebJobs. To start a job from outside there is a webhook on the page of the job.
      </p>
    </Empty>
  )
}
