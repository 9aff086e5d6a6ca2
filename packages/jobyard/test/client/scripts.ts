import type { Job, Jobyard } from '@jobyard/client'

/** Deploys a single bash script as a job. */
export async function deployScript(
  client: Jobyard,
  name: string,
  script: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Job> {
  const { hash } = await client.packages.upload(Buffer.from(`#!/bin/bash\n${script}\n`), 'run.sh')
  // Scripts that run until they are stopped are not to be waited for.
  const input = { name, kind: 'script', package: hash, policy: { grace: '100ms' }, ...more }
  return (await client.jobs.put(input)).job
}

/** Collects an async iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
