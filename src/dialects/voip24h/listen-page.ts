import { playerScriptName, playerStyleName } from './player-assets.ts'

export interface ListenPageFacts {
  /** The name of the file, for the title. */
  readonly name: string
  /** Where the page gets the sound, and where it is saved from: relative, with tokens of their own. */
  readonly sound: string
  readonly download: string
  /** ISO 8601 in UTC. The script writes it as the clock of its reader shows it. */
  readonly startedAt: string
  /** Two: the caller left, the other right. */
  readonly channels: 1 | 2
}

/** Keys of the page and what they do, as it shows them. */
const keys: readonly (readonly [readonly string[], string])[] = [
  [['Space', 'K'], 'play, pause'],
  [['←', '→'], '5 seconds back, on'],
  [['↑', '↓'], 'faster, slower'],
  [['Home', 'End'], 'to the beginning, to the end'],
]
const channelKeys: (typeof keys)[number] = [['1', '2', '3'], 'hear both, the caller, the other']

/** The page of a listen link: a player with its keys, speeds and channels. It works without its script, too, in a plainer way. */
export function renderListenPage(facts: ListenPageFacts): string {
  const speeds = ['0.5', '0.75', '1', '1.25', '1.5', '2'].map(
    (speed) => `<option value="${speed}"${speed === '1' ? ' selected' : ''}>${speed}×</option>`,
  )
  const isStereo = facts.channels === 2
  const channels = isStereo
    ? `<fieldset><legend>Hear</legend>
<label><input type="radio" name="channel" value="both" checked> both</label>
<label><input type="radio" name="channel" value="left"> the caller</label>
<label><input type="radio" name="channel" value="right"> the other</label>
</fieldset>`
    : ''
  const listed = [...keys, ...(isStereo ? [channelKeys] : [])].map(
    ([names, what]) => `<dt>${names.map((name) => `<kbd>${name}</kbd>`).join(' ')}</dt><dd>${what}</dd>`,
  )
  return page(
    facts.name,
    `<script src="${playerScriptName}" defer></script>`,
    `<h1>Recording of a call</h1>
<p class="facts"><time id="started" datetime="${escape(facts.startedAt)}">${escape(utcText(facts.startedAt))}</time><br>
<span class="name">${escape(facts.name)}</span></p>
<audio id="sound" controls preload="metadata" src="${escape(facts.sound)}"></audio>
<div id="controls" hidden>
<input id="position" type="range" min="0" max="0" step="0.1" value="0" aria-label="Position">
<div class="row">
<div class="buttons">
<button id="back" type="button" aria-keyshortcuts="ArrowLeft" aria-label="Back 5 seconds">−5 s</button>
<button id="play" class="main" type="button" aria-keyshortcuts="Space K">Play</button>
<button id="forward" type="button" aria-keyshortcuts="ArrowRight" aria-label="On 5 seconds">+5 s</button>
</div>
<output id="time" for="position">0:00 / 0:00</output>
</div>
<div class="row">
${channels}
<label class="speed">Speed <select id="speed" aria-keyshortcuts="ArrowUp ArrowDown">${speeds.join('')}</select></label>
</div>
</div>
<p id="problem" role="alert"></p>
<p><a class="save" href="${escape(facts.download)}" download>Save the file</a></p>
<details class="keys"><summary>Keys</summary><dl>${listed.join('')}</dl></details>`,
  )
}

/**
 * What people see in place of a recording: why there is none.
 * @param root - from where it stands to the folder of its style: `../../recording/`.
 */
export function renderRefusal(sentence: string, root: string): string {
  return page('Recording of a call', '', `<h1>No recording here</h1>\n<p>${escape(sentence)}</p>`, root)
}

/** `2018-07-16 02:49:53 UTC`. */
function utcText(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`
}

/** @param root - from where it stands to the folder of its script and its style. */
function page(title: string, head: string, body: string, root = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<link rel="stylesheet" href="${root}${playerStyleName}">
<link rel="icon" href="data:,">
${head}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
