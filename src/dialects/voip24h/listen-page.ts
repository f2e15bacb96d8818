import { playerScriptName, playerStyleName } from './player-assets.ts'

export interface ListenPageFacts {
  /** The name of the file, for the title. */
  readonly name: string
  /** Where the page gets the sound, and where it is saved from: relative, with tokens of their own. */
  readonly sound: string
  readonly download: string
  /** ISO 8601. */
  readonly startedAt: string
  /** Two: the caller left, the other right. */
  readonly channels: 1 | 2
}

/** The page of a listen link: a player with its keys, speeds and channels. It works without its script, too, in a plainer way. */
export function renderListenPage(facts: ListenPageFacts): string {
  const speeds = ['0.5', '0.75', '1', '1.25', '1.5', '2'].map(
    (speed) => `<option value="${speed}"${speed === '1' ? ' selected' : ''}>${speed}×</option>`,
  )
  const channels =
    facts.channels === 2
      ? `<fieldset><legend>Hear</legend>
<label><input type="radio" name="channel" value="both" checked> both</label>
<label><input type="radio" name="channel" value="left"> the caller</label>
<label><input type="radio" name="channel" value="right"> the other</label>
</fieldset>`
      : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escape(facts.name)}</title>
<link rel="stylesheet" href="${playerStyleName}">
<script src="${playerScriptName}" defer></script>
</head>
<body>
<main>
<h1>Recording of a call</h1>
<p><code>${escape(facts.name)}</code>, begun <time datetime="${escape(facts.startedAt)}">${escape(facts.startedAt)}</time></p>
<audio id="sound" controls preload="metadata" src="${escape(facts.sound)}"></audio>
<div id="controls" hidden>
<button id="play" type="button" aria-keyshortcuts="Space">Play</button>
<button id="back" type="button" aria-keyshortcuts="ArrowLeft">−5 s</button>
<button id="forward" type="button" aria-keyshortcuts="ArrowRight">+5 s</button>
<input id="position" type="range" min="0" max="0" step="0.1" value="0" aria-label="Position">
<output id="time" for="position">0:00 / 0:00</output>
<label>Speed <select id="speed">${speeds.join('')}</select></label>
${channels}
</div>
<p id="problem" role="alert"></p>
<p class="keys">Keys: space plays and pauses, ← and → go 5 s back and on, ↑ and ↓ change the speed, 1 2 3 choose who is heard, Home goes to the beginning.</p>
<p><a href="${escape(facts.download)}" download>Save the file</a></p>
</main>
</body>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
