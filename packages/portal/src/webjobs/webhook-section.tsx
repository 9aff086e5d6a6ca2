import type { Job, Webhook } from '@jobyard/client'
import { Button, Group, Text } from '@mantine/core'
import { IconEye, IconRefresh, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { useCollection } from '../app/collection.ts'
import { queryClient } from '../app/queries.ts'
import { Ask } from '../parts/ask.tsx'
import { Copyable } from '../parts/copy.tsx'
import { type Fact, Facts, Section } from '../parts/page.tsx'

/** The address at which others start the job. Its password is fetched, and the look put on record, only when asked for. */
export function WebhookSection({ job }: { job: Job }) {
  const has = job.triggers.some(({ type }) => type === 'webhook')
  const [shown, setShown] = useState<Webhook>()
  const note = (webhook: Webhook): void => {
    setShown(webhook)
    void queryClient.invalidateQueries({ queryKey: ['job', job.id] })
  }
  const show = useAct({ run: () => jobyard.webhooks.get(job.id), after: setShown })
  const make = useAct({ run: () => jobyard.webhooks.set(job.id), after: note })
  const azure = useAzureAddress(job, shown === undefined ? location.origin : shown.url.replace(/\/hooks\/[^/]*$/, ''))
  return (
    <Section title="Webhook">
      {!has && shown === undefined ? (
        <div className="padded">
          <Text size="sm" mb="sm">
            Lets somebody who has no token start this job, and nothing else.
          </Text>
          <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
            Make a webhook
          </Button>
        </div>
      ) : (
        <>
          <Facts items={factsOf(job, shown, azure)} />
          <Group gap="xs" className="padded">
            {shown === undefined ? (
              <Button
                variant="default"
                leftSection={<IconEye size={15} />}
                loading={show.isPending}
                onClick={() => show.mutate()}
              >
                Show address and password
              </Button>
            ) : (
              <Button variant="default" onClick={() => setShown(undefined)}>
                Hide
              </Button>
            )}
            <Change job={job} onChanged={note} onGone={() => setShown(undefined)} />
          </Group>
        </>
      )}
    </Section>
  )
}

function factsOf(job: Job, shown: Webhook | undefined, azure: string | undefined): readonly Fact[] {
  if (shown === undefined) {
    return [
      ['Address', <code key="url">{`${location.origin}/hooks/${job.id}`}</code>],
      ...(azure === undefined ? [] : [['As with Azure', <code key="azure">{azure}</code>] as const]),
      [
        'Password',
        <span key="password" className="quiet">
          ••••••••••••
        </span>,
      ],
    ]
  }
  return [
    ['Address', <Copyable key="url" text={shown.url} label="address" />],
    ...(azure === undefined
      ? []
      : [['As with Azure', <Copyable key="azure" text={azure} label="address of Azure's form" />] as const]),
    ['User', <Copyable key="user" text={shown.user} label="user" />],
    ['Password', <Copyable key="password" text={shown.password} label="password" />],
  ]
}

/**
 * The address of a triggered job's runs as Azure's portal shows it, good with the same password; undefined where it would
 * not lead to this job, because the host's name stands for another collection.
 */
function useAzureAddress({ type, name, collection }: Job, base: string): string | undefined {
  const { names } = useCollection(undefined)
  const [label = ''] = new URL(base).hostname.split('.')
  const site = names.find((each) => each.toLowerCase() === label.toLowerCase()) ?? 'default'
  return type === 'triggered' && site === collection ? `${base}/api/triggeredwebjobs/${name}/run` : undefined
}

function Change({ job, onChanged, onGone }: { job: Job; onChanged: (webhook: Webhook) => void; onGone: () => void }) {
  const [asking, setAsking] = useState<'renew' | 'remove'>()
  const close = (): void => setAsking(undefined)
  const renew = useAct({
    run: () => jobyard.webhooks.renew(job.id),
    done: () => 'The webhook has a new password.',
    after: (webhook) => {
      close()
      onChanged(webhook)
    },
  })
  const remove = useAct({
    run: () => jobyard.webhooks.remove(job.id),
    done: () => 'The webhook was taken away.',
    after: () => {
      close()
      onGone()
      void queryClient.invalidateQueries({ queryKey: ['job', job.id] })
    },
  })
  return (
    <>
      <Button variant="default" leftSection={<IconRefresh size={15} />} onClick={() => setAsking('renew')}>
        New password
      </Button>
      <Button
        variant="subtle"
        color="red"
        c="var(--bad)"
        leftSection={<IconTrash size={15} />}
        onClick={() => setAsking('remove')}
      >
        Remove
      </Button>
      <Ask opened={asking === 'renew'} onClose={close} title="Make a new password?" verb="New password" act={renew}>
        The old one is worthless at once: whoever uses it must be told the new one.
      </Ask>
      <Ask opened={asking === 'remove'} onClose={close} title="Take the webhook away?" verb="Remove" act={remove}>
        Nobody can start {job.name} by its address any longer.
      </Ask>
    </>
  )
}
