import type { Hook } from '@jobyard/client'
import { Modal } from '@mantine/core'
import { Facts } from '../parts/page.tsx'
import { Badge } from '../parts/state.tsx'
import { sayTime } from '../words/amounts.ts'
import { sayCall } from '../words/hooks.ts'

/** What the last call of a hook sent, and what came back. */
export function SentBody({ hook: { url, last }, onClose }: { hook: Hook; onClose: () => void }) {
  if (last === null) return null
  return (
    <Modal opened onClose={onClose} size="lg" title="The last call">
      <Facts
        items={[
          ['Address', <code key="url">{url}</code>],
          ['When', sayTime(last.at)],
          ['Answer', <Badge key="answer" saying={sayCall(last)} />],
          ...(last.status === null ? [['Why', last.reason] as const] : []),
        ]}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <pre tabIndex={0} className="sent">
        {inOrder(last.body)}
      </pre>
    </Modal>
  )
}

/** JSON with line breaks; a body that was cut stays as it is. */
function inOrder(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
