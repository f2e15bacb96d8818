/** What the page of a listen link loads. Served as files, since its policy allows no inline script. */

export const playerScriptName = 'player.js'
export const playerStyleName = 'player.css'

/**
 * The player: keys, speed, and who is heard. Channels are parted by Web Audio, which is set up at the first wish to hear one alone:
 * browsers start it only after the user has done something.
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
  if (Number.isFinite(sound.duration)) position.max = String(sound.duration)
  position.value = String(sound.currentTime)
  byId('time').textContent = clockText(sound.currentTime) + ' / ' + clockText(sound.duration)
  play.textContent = sound.paused ? 'Play' : 'Pause'
}

const toggle = () => {
  if (!sound.paused) return sound.pause()
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
  const merged = context.createGain()
  const made = { left: context.createGain(), right: context.createGain(), context }
  source.connect(splitter)
  splitter.connect(made.left, 0)
  splitter.connect(made.right, 1)
  made.left.connect(merged)
  made.right.connect(merged)
  merged.connect(context.destination)
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
    gains.left.gain.value = which === 'right' ? 0 : 1
    gains.right.gain.value = which === 'left' ? 0 : 1
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

document.addEventListener('keydown', (event) => {
  // A control that has the focus keeps its own keys.
  const isControl = event.target instanceof Element && event.target.closest('button, select, input, audio, a')
  if (isControl || event.ctrlKey || event.metaKey || event.altKey) return
  const act = keys[event.key]
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
sound.controls = false
byId('controls').hidden = false
show()
`

export const playerStyle = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
audio { width: 100% }
#controls { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center }
#controls[hidden] { display: none }
#position { flex: 1 1 100% }
fieldset { border: 0; padding: 0; margin: 0; display: flex; gap: .75rem }
legend { float: left; padding: 0 .5rem 0 0 }
:focus-visible { outline: 3px solid #1a5fb4; outline-offset: 2px }
#problem { color: #a51d2d }
.keys { color: #5e5c64; font-size: .9rem }
`
