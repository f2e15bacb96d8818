import { pathToFileURL } from 'node:url'
import { echoFlow } from './action/builtin/echo.ts'
import { extensionFlow } from './action/builtin/extension.ts'
import { menuFlow } from './action/builtin/menu.ts'
import { ringFlow } from './action/builtin/ring.ts'
import type { FlowCallParts } from './action/flow-call.ts'
import { type Flow, flowProgram, usualIdleLimitMs } from './action/run-flow.ts'
import { ConfigError, toError } from './base/errors.ts'
import type { Logger } from './base/log.ts'
import type { Program } from './call/calls.ts'
import type {
  AppSettings,
  HoiioAppSettings,
  Language,
  TenantSettings,
  VoicemailAppSettings,
  VoicenterAppSettings,
} from './config/settings.ts'
import { flowIdleLimitMs } from './dialects/hoiio/sessions.ts'
import type { HangupCause } from './leg/hangup-cause.ts'
import type { Route } from './routing/route.ts'

export type ChosenProgram =
  | { readonly app: string | null; readonly program: Program }
  | { readonly app: string | null; readonly cause: HangupCause; readonly sentence: string }

/** Flows that programs outside steer, made by their dialects. One that is absent is not served. */
export interface DialectFlows {
  voicenter?(app: VoicenterAppSettings, tenant: TenantSettings): Flow
  hoiio?(app: HoiioAppSettings, tenant: TenantSettings): Flow
  voicemail?(app: VoicemailAppSettings, tenant: TenantSettings): Flow
  /** What takes a call that an extension does not take; null: it has no mailbox. */
  mailbox?(extension: string, tenant: TenantSettings): Flow | null
}

/** Finds what runs on a call: a flow given by the program that embeds us, a module of the operator's, or one of ours. */
export class ProgramCatalogue {
  readonly #parts: FlowCallParts
  readonly #log: Logger
  readonly #dialects: DialectFlows
  /** Flows of `hook.number`, by number. They win over the configuration. */
  readonly #flows = new Map<string, { readonly flow: Flow; readonly tenant: string | null }>()
  /** Loaded modules by file. A module that fails to load is tried again at the next call: it may have been mended. */
  readonly #modules = new Map<string, Promise<Flow>>()

  constructor(parts: FlowCallParts, log: Logger, dialects: DialectFlows = {}) {
    this.#parts = parts
    this.#log = log
    this.#dialects = dialects
  }

  setFlow(number: string, tenant: string | null, flow: Flow): void {
    this.#flows.set(number, { flow, tenant })
  }

  /** The numbers that have a flow of the embedding program. */
  flowNumbers(): readonly string[] {
    return [...this.#flows.keys()]
  }

  /** Loads every module the configuration names, so that the first call does not wait for it. Logs what cannot be loaded. */
  async preload(apps: Iterable<AppSettings>): Promise<void> {
    const loading: Promise<unknown>[] = []
    for (const app of apps) {
      if (app.kind !== 'module') continue
      const loaded = this.#load(app.file)
      loading.push(
        loaded.catch((thrown) => this.#log.error({ err: toError(thrown), app: app.name }, 'a flow cannot be loaded')),
      )
    }
    await Promise.all(loading)
  }

  choose(route: Route, dialled: string): ChosenProgram {
    const own = this.#flows.get(dialled) ?? this.#flows.get(route.to)
    if (own && (own.tenant === null || own.tenant === route.tenant?.name)) {
      return { app: `flow ${route.to}`, program: this.#program(own.flow, `The flow of ${route.to}`, route) }
    }
    if (route.kind === 'none') return { app: null, cause: 'number-unknown', sentence: route.sentence }
    if (route.kind === 'extension' || route.kind === 'outbound') {
      const flow = this.flowOfExtension(route.to, route.tenant)
      return { app: null, program: this.#program(flow, `The call to ${route.to}`, route) }
    }
    return this.#ofApp(route.app, route)
  }

  #ofApp(app: AppSettings, route: Route): ChosenProgram {
    const flow = this.flowOf(app, route.tenant)
    if (flow === null) {
      const sentence = `App ${app.name} is of the kind ${app.kind}, which this version of Switchhook does not serve yet.`
      return { app: app.name, cause: 'temporarily-unavailable', sentence }
    }
    const idleLimitMs = idleLimitOf(app)
    const name = app.kind === 'module' ? `The flow ${app.name}` : `The app ${app.name}`
    return { app: app.name, program: this.#program(flow, name, route, idleLimitMs) }
  }

  /** What an app does; null where its kind is not served. */
  flowOf(app: AppSettings, tenant: TenantSettings | null): Flow | null {
    switch (app.kind) {
      case 'module':
        return this.#lazily(app.file)
      case 'builtin':
        return app.builtin === 'menu' ? menuFlow(this.#parts.dataFolder) : echoFlow
      case 'dial': {
        const otherwise = app.otherwise === null ? undefined : tenant?.apps.get(app.otherwise)
        // The configuration has no circles of these: see config/check.ts.
        return ringFlow(app, otherwise === undefined ? null : this.flowOf(otherwise, tenant))
      }
      case 'voicenter':
        return (tenant && this.#dialects.voicenter?.(app, tenant)) ?? null
      case 'hoiio':
        return (tenant && this.#dialects.hoiio?.(app, tenant)) ?? null
      case 'voicemail':
        return (tenant && this.#dialects.voicemail?.(app, tenant)) ?? null
    }
  }

  /** A call to an extension: its telephones ring. @param tenant - with it, its mailbox takes what nobody else does. */
  flowOfExtension(extension: string, tenant: TenantSettings | null = null): Flow {
    return extensionFlow(extension, (tenant && this.#dialects.mailbox?.(extension, tenant)) ?? null)
  }

  #program(flow: Flow, name: string, route: Route, idleLimitMs = usualIdleLimitMs): Program {
    const language: Language = route.kind === 'app' ? route.language : (route.tenant?.language ?? 'en')
    return flowProgram(flow, this.#parts, {
      name,
      language,
      timeZone: route.tenant?.timeZone ?? 'UTC',
      idleLimitMs,
    })
  }

  #lazily(file: string): Flow {
    return async (call) => {
      const flow = await this.#load(file)
      await flow(call)
    }
  }

  #load(file: string): Promise<Flow> {
    const known = this.#modules.get(file)
    if (known) return known
    const loading = loadFlow(file)
    this.#modules.set(file, loading)
    loading.catch(() => this.#modules.delete(file))
    return loading
  }
}

/** How long an app's flow may do nothing. One that waits for requests has limits of its own, all shorter. */
function idleLimitOf(app: AppSettings): number {
  if (app.kind === 'module') return app.idleSeconds * 1000
  return app.kind === 'hoiio' ? flowIdleLimitMs : usualIdleLimitMs
}

/** TypeScript or JavaScript; its default export is the flow. Rejects with ConfigError `flow.unusable`. */
async function loadFlow(file: string): Promise<Flow> {
  let module: { default?: unknown }
  try {
    const { tsImport } = await import('tsx/esm/api')
    module = (await tsImport(pathToFileURL(file).href, import.meta.url)) as { default?: unknown }
  } catch (thrown) {
    const error = toError(thrown)
    throw new ConfigError('flow.unusable', `The flow ${file} cannot be loaded: ${error.message}`, {
      cause: error,
      facts: { file },
    })
  }
  const flow = unwrap(module.default)
  if (typeof flow !== 'function') {
    throw new ConfigError('flow.unusable', `The flow ${file} has no function as its default export.`, {
      facts: { file },
    })
  }
  return flow as Flow
}

/** A CommonJS module's export stands one level deeper when it is imported. */
function unwrap(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'default' in value ? value.default : value
}
