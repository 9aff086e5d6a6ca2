/** A path of this very server, and of nothing else: what stands in an address may come from anybody. */
export function safePath(path: unknown): string | undefined {
  if (typeof path !== 'string' || !path.startsWith('/')) return undefined
  const url = URL.parse(path, location.origin)
  return url?.origin === location.origin ? url.pathname + url.search + url.hash : undefined
}
