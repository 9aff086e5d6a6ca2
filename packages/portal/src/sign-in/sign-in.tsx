import { Button, Checkbox, PasswordInput } from '@mantine/core'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { useAct } from '../app/act.ts'
import { withToken } from '../app/client.ts'
import { meQuery, queryClient } from '../app/queries.ts'
import { Problem } from '../parts/problem.tsx'

const route = getRouteApi('/sign-in')

/** Signs in with a token, which is sent once and not kept here. */
export function SignIn() {
  const { next = '/' } = route.useSearch()
  const { history } = useRouter()
  const [token, setToken] = useState('')
  const [remember, setRemember] = useState(false)
  const enter = useAct({
    run: () => withToken(token.trim()).sessions.open({ remember }),
    quiet: true,
    after: ({ name, role, collection, version }) => {
      queryClient.setQueryData(meQuery.queryKey, { name, role, collection, version })
      history.replace(next)
    },
  })
  useEffect(() => {
    document.title = 'Sign in · Jobyard'
  }, [])
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (token.trim() !== '') enter.mutate()
  }
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <img src="/icon.svg" alt="" width={40} height={40} />
        <h1>Sign in to Jobyard</h1>
        {enter.error !== null && <Problem error={enter.error} />}
        <PasswordInput
          label="Token"
          description="It begins with jy_. The first one was printed when the server was started for the first time."
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          autoComplete="current-password"
          data-autofocus
          autoFocus
        />
        <Checkbox
          label="Stay signed in for 30 days on this device"
          checked={remember}
          onChange={(event) => setRemember(event.currentTarget.checked)}
        />
        <Button type="submit" size="sm" fullWidth loading={enter.isPending} disabled={token.trim() === ''}>
          Sign in
        </Button>
        <p className="quiet">
          Another token: <code className="block">jobyard token create NAME --role viewer</code>
        </p>
      </form>
    </main>
  )
}
