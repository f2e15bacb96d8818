import type { ErrorCode } from '../base/error-catalogue.ts'
import {
  Defect,
  type ErrorFacts,
  LimitError,
  NotFoundError,
  ParseError,
  StoreError,
  SwitchhookError,
  toError,
} from '../base/errors.ts'
import type { Prompt } from './prompt.ts'
import type { ProgressTone, ToneRegion } from './tones.ts'

/** What the prompt thread is asked to make. */
export type PromptJob =
  | { readonly kind: 'file'; readonly id: string; readonly path: string; readonly limits: PromptLimits }
  /** Speech: mono PCM of any rate. */
  | {
      readonly kind: 'pcm'
      readonly id: string
      readonly samples: Int16Array<ArrayBuffer>
      readonly rateHz: number
      readonly limits: PromptLimits
    }
  | { readonly kind: 'tone'; readonly id: string; readonly name: ProgressTone | 'music'; readonly region: ToneRegion }

export interface PromptLimits {
  readonly maxFileBytes: number
  readonly maxDurationMs: number
}

export type PromptRequest =
  | { readonly kind: 'make'; readonly number: number; readonly job: PromptJob }
  | { readonly kind: 'cancel'; readonly number: number }

export type PromptReply =
  | { readonly kind: 'made'; readonly number: number; readonly prompt: Prompt }
  | { readonly kind: 'failed'; readonly number: number; readonly failure: PromptFailure }

/** An error on its way between threads, which keep an error's text but not its class. */
export interface PromptFailure {
  readonly family: keyof typeof families
  readonly code: ErrorCode
  readonly sentence: string
  readonly facts: ErrorFacts
}

const families = { ParseError, LimitError, NotFoundError, StoreError, Defect } as const

/** @param thread - who says so, for what is nobody's known error. */
export function toFailure(thrown: unknown, thread = 'The prompt thread'): PromptFailure {
  if (thrown instanceof SwitchhookError && thrown.name in families) {
    const family = thrown.name as PromptFailure['family']
    return { family, code: thrown.code, sentence: thrown.message, facts: thrown.facts }
  }
  const sentence = `${thread} failed: ${toError(thrown).message}`
  return { family: 'Defect', code: 'defect.assertion', sentence, facts: {} }
}

export function fromFailure({ family, code, sentence, facts }: PromptFailure): SwitchhookError {
  return new families[family](code, sentence, { facts })
}
