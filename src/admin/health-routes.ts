import type { HttpServer } from '../http/server.ts'
import type { Metrics } from './metrics.ts'
import { type PageFacts, renderPage } from './page.ts'
import type { PartStatus } from './status.ts'

export interface HealthParts {
  readonly metrics: Metrics
  /** Looks at every part now; must answer within a second or two. */
  readiness(): Promise<readonly PartStatus[]>
  page(): PageFacts
}

/** `/healthz`, `/readyz`, `/metrics` and the plain page at `/`: without a token, and without anything secret. */
export function healthRoutes(server: HttpServer, parts: HealthParts): void {
  server.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }))

  server.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const states = await parts.readiness()
    const isReady = states.every((part) => part.isReady)
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', parts: states })
  })

  server.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const { contentType, text } = await parts.metrics.render()
    return reply.type(contentType).send(text)
  })

  server.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(renderPage(parts.page())),
  )
}
