import type { Hook } from '@jobyard/client'
import { ActionIcon, Button, Tooltip } from '@mantine/core'
import { IconKey, IconShieldOff, IconTrash } from '@tabler/icons-react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { hooksQuery, queryClient } from '../app/queries.ts'
import { Badge } from '../parts/state.tsx'
import { When } from '../parts/time.tsx'
import { sayCall, sayEvent } from '../words/hooks.ts'

interface HookItemProps {
  readonly hook: Hook
  readonly onLook: () => void
  readonly onRemove: () => void
}

/** A hook: what it is called for, and how that went last. */
export function HookItem({ hook, onLook, onRemove }: HookItemProps) {
  const { url, event, credentials, insecure, createdBy, createdAt, last } = hook
  const test = useTest(hook)
  return (
    <li>
      <div>
        <code>{url}</code>
        <p className="quiet">
          {sayEvent(event)}. Added by {createdBy} <When at={createdAt} />.
        </p>
        {(credentials || insecure) && (
          <p className="marks quiet">
            {credentials && (
              <span>
                <IconKey size={13} aria-hidden /> with user and password
              </span>
            )}
            {insecure && (
              <span data-tone="wait" className="tone">
                <IconShieldOff size={13} aria-hidden /> the certificate is not looked at
              </span>
            )}
          </p>
        )}
        <p className="last-call">
          <Badge saying={sayCall(last)} soft />
          {last !== null && (
            <span className="quiet">
              <When at={last.at} />
            </span>
          )}
          <Button
            variant="default"
            size="compact-xs"
            loading={test.isPending}
            aria-label={`Send a test to ${url}`}
            onClick={() => test.mutate()}
          >
            Send a test
          </Button>
          {last !== null && (
            <Button variant="default" size="compact-xs" onClick={onLook}>
              What was sent
            </Button>
          )}
        </p>
        {last !== null && last.status === null && <p data-tone="bad">{last.reason}</p>}
      </div>
      <Tooltip label="Remove">
        <ActionIcon aria-label={`Remove ${url}`} onClick={onRemove}>
          <IconTrash size={16} />
        </ActionIcon>
      </Tooltip>
    </li>
  )
}

/** Calls the hook with something made up. What became of it stands on the page as that of any other call. */
function useTest({ id, collection }: Hook) {
  return useAct({
    run: () => jobyard.hooks.test(id),
    done: ({ last }) => (sayCall(last).tone === 'good' ? `The test was taken: ${sayCall(last).text}.` : undefined),
    after: (tested) => {
      const { queryKey } = hooksQuery(collection)
      queryClient.setQueryData(queryKey, (hooks) => hooks?.map((hook) => (hook.id === id ? tested : hook)))
    },
  })
}
