import { pathToFileURL } from 'node:url'
import { echoFlow } from './action/builtin/echo.ts'
import { menuFlow } from './action/builtin/menu.ts'
import type { FlowCallParts } from './action/flow-call.ts'
import { type Flow, flowProgram, usualIdleLimitMs } from './action/run-flow.ts'
import { ConfigError, toError } from './base/errors.ts'
import type { Logger } from './base/log.ts'
import type { Program } from './call/calls.ts'
import type { AppSettings, Language } from './config/settings.ts'
import type { HangupCause } from './leg/hangup-cause.ts'
import type { Route } from './routing/route.ts'

export type ChosenProgram =
  | { readonly app: string; readonly program: Program }
  | { readonly app: string | null; readonly cause: HangupCause; readonly sentence: string }

/** Finds what runs on a call: a flow given by the program that embeds us, a module of the operator's, or one of ours. */
export class ProgramCatalogue {
  readonly #parts: FlowCallParts
  readonly #log: Logger
  /** Flows of `hook.number`, by number. They win over the configuration. */
  readonly #flows = new Map<string, { readonly flow: Flow; readonly tenant: string | null }>()
  /** Loaded modules by file. A module that fails to load is tried again at the next call: it may have been mended. */
  readonly #modules = new Map<string, Promise<Flow>>()

  constructor(parts: FlowCallParts, log: Logger) {
    this.#parts = parts
    this.#log = log
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
    if (route.kind === 'extension') {
      const sentence = `Extension ${route.to} cannot be called: this version of Switchhook connects no two parties yet.`
      return { app: null, cause: 'temporarily-unavailable', sentence }
    }
    return this.#ofApp(route.app, route)
  }

  #ofApp(app: AppSettings, route: Route): ChosenProgram {
    switch (app.kind) {
      case 'module':
        return {
          app: app.name,
          program: this.#program(this.#lazily(app.file), `The flow ${app.name}`, route, app.idleSeconds * 1000),
        }
      case 'builtin': {
        const flow = app.builtin === 'menu' ? menuFlow(this.#parts.dataFolder) : echoFlow
        return { app: app.name, program: this.#program(flow, `The app ${app.name}`, route) }
      }
      case 'dial':
      case 'voicenter':
      case 'hoiio':
      case 'voicemail': {
        const sentence = `App ${app.name} is of the kind ${app.kind}, which this version of Switchhook does not serve yet.`
        return { app: app.name, cause: 'temporarily-unavailable', sentence }
      }
    }
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
