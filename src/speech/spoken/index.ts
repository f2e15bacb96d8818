export type { Gender, SpokenPart } from './grammar.ts'
export {
  spokenDate,
  spokenDigits,
  spokenDuration,
  spokenNumber,
  spokenOrdinal,
  spokenTelephone,
  spokenText,
  spokenTime,
} from './spoken.ts'
