export interface PageFacts {
  readonly version: string
  /** `udp:127.0.0.1:5060`, as they are bound. */
  readonly sip: readonly string[]
  readonly numbers: readonly { readonly number: string; readonly app: string }[]
  /** What cannot be spoken and why; null when all can. */
  readonly voiceProblem: string | null
}

/** The plain page at `/`, until the console comes. */
export function renderPage(facts: PageFacts): string {
  const numbers = facts.numbers.map(
    ({ number, app }) => `<tr><td><code>${escape(number)}</code></td><td>${escape(app)}</td></tr>`,
  )
  const links = [
    ['/api/v1/openapi.json', 'the admin API (OpenAPI)'],
    ['/healthz', 'health'],
    ['/readyz', 'readiness'],
    ['/metrics', 'metrics (Prometheus)'],
  ].map(([path, text]) => `<li><a href="${path}">${text}</a></li>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Switchhook</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
td { padding: .2rem 1rem .2rem 0 }
code { font-size: 1rem }
</style>
</head>
<body>
<h1>Switchhook ${escape(facts.version)}</h1>
<p>SIP is served at ${facts.sip.map((address) => `<code>${escape(address)}</code>`).join(', ')}.</p>
${facts.voiceProblem === null ? '' : `<p><strong>Nothing can be spoken:</strong> ${escape(facts.voiceProblem)}</p>`}
<h2>Numbers</h2>
${numbers.length === 0 ? '<p>None yet: add some to the configuration or over the admin API.</p>' : `<table>${numbers.join('')}</table>`}
<p>Call one with any SIP telephone, or with <code>npx switchhook call ${escape(facts.numbers[0]?.number ?? '1000')}</code>.</p>
<h2>For programs</h2>
<ul>${links.join('')}</ul>
</body>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
