/* The door of media/ for those outside: prompts, recordings, repair. The bricks themselves are for media/plane/. */

export { type Mp3File, Mp3Files, type Mp3FilesOptions } from './mp3-files.ts'
export { bytesPerMs, type Prompt } from './prompt.ts'
export { PromptLibrary, type PromptLibraryOptions } from './prompt-library.ts'
export { RecordingWriter, type RecordingWriterOptions } from './recording-writer.ts'
export type { ProgressTone, ToneRegion } from './tones.ts'
export { repairFolder, repairWav, type WavRepair } from './wav-repair.ts'
