/** What the page of a listen link loads. Served as files, since its policy allows no inline script. */

export const playerScriptName = 'player.js'
export const playerStyleName = 'player.css'

/**
 * The player: keys, speed, and who is heard. Both are heard as they were recorded, one in each ear; one alone is heard in both. Channels
 * are parted by Web Audio, which is set up at the first wish to hear one alone: browsers start it only after the user has done something.
 */
export const playerScript = `'use strict'
const byId = (id) => document.getElementById(id)
const sound = byId('sound')
const play = byId('play')
const position = byId('position')
const speed = byId('speed')
const problem = byId('problem')
const channels = [...document.querySelectorAll('input[name=channel]')]
let gains = null

const clockText = (seconds) => {
  const whole = Math.floor(Number.isFinite(seconds) ? seconds : 0)
  return Math.floor(whole / 60) + ':' + String(whole % 60).padStart(2, '0')
}

const show = () => {
  const told = clockText(sound.currentTime) + ' / ' + clockText(sound.duration)
  if (Number.isFinite(sound.duration)) position.max = String(sound.duration)
  position.value = String(sound.currentTime)
  position.setAttribute('aria-valuetext', told)
  byId('time').textContent = told
  play.textContent = sound.paused ? 'Play' : 'Pause'
}

const toggle = () => {
  if (!sound.paused) return sound.pause()
  if (gains) gains.context.resume()
  sound.play().catch((error) => {
    problem.textContent = 'It cannot be played: ' + error.message
  })
}

const go = (seconds) => {
  const end = Number.isFinite(sound.duration) ? sound.duration : 0
  sound.currentTime = Math.min(end, Math.max(0, seconds))
  show()
}

const changeSpeed = (step) => {
  speed.selectedIndex = Math.min(speed.options.length - 1, Math.max(0, speed.selectedIndex + step))
  sound.playbackRate = Number(speed.value)
}

const partChannels = () => {
  const context = new AudioContext()
  const source = context.createMediaElementSource(sound)
  const splitter = context.createChannelSplitter(2)
  const ears = context.createChannelMerger(2)
  const made = { own: [], cross: [], context }
  source.connect(splitter)
  for (const side of [0, 1]) {
    made.own[side] = context.createGain()
    made.cross[side] = context.createGain()
    splitter.connect(made.own[side], side)
    splitter.connect(made.cross[side], side)
    made.own[side].connect(ears, 0, side)
    made.cross[side].connect(ears, 0, 1 - side)
  }
  ears.connect(context.destination)
  return made
}

const hear = (which) => {
  const chosen = channels.find((channel) => channel.value === which)
  if (!chosen) return
  chosen.checked = true
  if (!gains && which === 'both') return
  try {
    gains = gains || partChannels()
    gains.context.resume()
    for (const [side, name] of ['left', 'right'].entries()) {
      gains.own[side].gain.value = which === 'both' || which === name ? 1 : 0
      gains.cross[side].gain.value = which === name ? 1 : 0
    }
  } catch (error) {
    problem.textContent = 'This browser cannot part the channels: ' + error.message
  }
}

const keys = {
  ' ': toggle,
  k: toggle,
  ArrowLeft: () => go(sound.currentTime - 5),
  ArrowRight: () => go(sound.currentTime + 5),
  ArrowUp: () => changeSpeed(1),
  ArrowDown: () => changeSpeed(-1),
  Home: () => go(0),
  End: () => go(sound.duration),
  1: () => hear('both'),
  2: () => hear('left'),
  3: () => hear('right'),
}

/** Whether the control that has the focus uses the key itself. The slider's arrows are those of the page: 5 s. */
const isOwnKey = (target, key) => {
  if (!(target instanceof Element)) return false
  if (target.closest('select, audio')) return true
  if (target.closest('input[type=radio]')) return key === ' ' || key.startsWith('Arrow')
  return target.closest('button, a, summary') !== null && (key === ' ' || key === 'Enter')
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isOwnKey(event.target, event.key)) return
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (!act) return
  event.preventDefault()
  act()
})

play.addEventListener('click', toggle)
byId('back').addEventListener('click', () => go(sound.currentTime - 5))
byId('forward').addEventListener('click', () => go(sound.currentTime + 5))
position.addEventListener('input', () => go(Number(position.value)))
speed.addEventListener('change', () => changeSpeed(0))
for (const channel of channels) channel.addEventListener('change', () => hear(channel.value))
for (const news of ['timeupdate', 'loadedmetadata', 'play', 'pause', 'ended']) sound.addEventListener(news, show)
sound.addEventListener('error', () => {
  problem.textContent = 'The recording cannot be loaded. The link may have expired: ask for a new one.'
})
const started = byId('started')
started.textContent = new Date(started.dateTime).toLocaleString([], { dateStyle: 'full', timeStyle: 'medium' })
sound.controls = false
byId('controls').hidden = false
show()
`

export const playerStyle = `:root {
  color-scheme: light dark; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --card: #fff; --back: #f6f8fa; --key: #0b57a4;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --faint: #9aa4af; --line: #3d444d; --card: #161b22; --back: #0d1117; --key: #6cb2ff }
}
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0; padding: 1rem }
main { max-width: 40rem; margin: 1rem auto; padding: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px }
h1 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .5rem }
p { margin: .75rem 0 0 }
.facts { margin: 0 0 1.25rem; color: var(--faint); font-variant-numeric: tabular-nums }
.name { font-size: .85rem; overflow-wrap: anywhere }
audio { width: 100% }
#controls[hidden] { display: none }
#position { display: block; width: 100%; height: 2rem; margin: 0; accent-color: var(--key) }
.row { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; justify-content: space-between; margin-top: .75rem }
.buttons { display: flex; gap: .5rem }
button, select {
  font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 8px; min-height: 2.75rem; padding: 0 .9rem
}
button, select, label, summary { cursor: pointer }
button.main { min-width: 6rem; font-weight: 600; color: var(--card); background: var(--key); border-color: var(--key) }
#time { font-variant-numeric: tabular-nums; color: var(--faint) }
fieldset { border: 0; padding: 0; margin: 0; min-width: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center }
legend { float: left; padding: 0; margin-right: .25rem; color: var(--faint) }
fieldset label { display: inline-flex; align-items: center; gap: .35rem; min-height: 2.75rem }
input[type=radio] { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--key) }
.speed { color: var(--faint) }
.speed select { color: var(--text); margin-left: .35rem }
:focus-visible { outline: 3px solid var(--key); outline-offset: 2px }
#problem { color: #d1242f }
#problem:empty { display: none }
a { color: var(--key) }
.keys { margin-top: 1rem; color: var(--faint); font-size: .9rem }
.keys dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1rem; margin: .5rem 0 0 }
.keys dd { margin: 0 }
@media (max-width: 30rem) {
  body { padding: .5rem }
  main { margin: 0 auto; padding: 1rem }
  button, select { padding: 0 .6rem }
  button.main { min-width: 5rem }
  legend { float: none; width: 100% }
  fieldset { gap: 0 1rem }
}
kbd { font: .85em ui-monospace, monospace; padding: .1rem .4rem; border: 1px solid var(--line); border-radius: 4px }
`
