import { createHash } from 'node:crypto'

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #dfe3e8; --paper: #f6f7f9; --card: #fff; --good: #18794e; --wait: #ad5700; --link: #0b5bd3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --soft: #9aa5b3; --line: #2f3742; --paper: #14181d; --card: #1b2027; --good: #4cc38a; --wait: #f1a10d; --link: #79b0ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 2rem 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 38rem; padding: 2rem 2.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -.01em; }
.state { margin: .25rem 0 1.5rem; color: var(--soft); }
.state b { font-weight: 600; }
.ok { color: var(--good); }
.starting { color: var(--wait); }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .6rem 1.25rem; }
dt { color: var(--soft); }
dd { margin: 0; }
code { font: .9em ui-monospace, monospace; padding: .1em .35em; border-radius: .3em; background: var(--paper); border: 1px solid var(--line); overflow-wrap: anywhere; }
a { color: var(--link); }
@media (max-width: 30rem) { main { padding: 1.5rem; } dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .8rem; } }
`

/** What the page tells. */
export interface HomeFacts {
  readonly version: string
  readonly ready: boolean
}

/** The page at the root: what this is and where everything else is. It holds nothing that is not for everybody. */
export function showHomePage({ version, ready }: HomeFacts): { readonly html: string; readonly policy: string } {
  const state = ready ? '<b class="ok">running</b>' : '<b class="starting">starting</b>'
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Jobyard</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Jobyard</h1>
<p class="state">Version ${escapeHtml(version)}, ${state}</p>
<dl>
<dt>Interface</dt><dd><code>/v1</code>, with a token: <code>Authorization: Bearer …</code></dd>
<dt>Description</dt><dd><a href="/docs">/docs</a> to read, <a href="/v1/openapi.json">/v1/openapi.json</a> for programs</dd>
<dt>Command line</dt><dd><code>jobyard login</code>, then <code>jobyard script list</code></dd>
<dt>Health</dt><dd><a href="/health/live">/health/live</a>, <a href="/health/ready">/health/ready</a></dd>
<dt>Figures</dt><dd><code>/metrics</code> for Prometheus, with a token</dd>
</dl>
</main>
</body>
</html>
`
  return { html, policy: POLICY }
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
