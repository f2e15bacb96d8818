import { describe, expect, it } from 'vitest'
import { calendarDay, LocalTime } from './local-time.ts'

const day = (year: number, month: number, date: number): number => calendarDay(year, month, date) ?? Number.NaN

describe('the time of a zone', () => {
  it('shows the published samples as they are published', () => {
    const vietnam = new LocalTime('Asia/Ho_Chi_Minh')
    expect(vietnam.text(1_532_857_052_000)).toBe('2018-07-29 16:37:32')
    expect(vietnam.text(1_532_834_934_999)).toBe('2018-07-29 10:28:54')
    expect(vietnam.dayStart(day(2018, 7, 29))).toBe(Date.UTC(2018, 6, 28, 17))
  })

  it('has days of 23 and 25 hours where clocks are changed', () => {
    const berlin = new LocalTime('Europe/Berlin')
    const hours = (month: number, date: number): number =>
      (berlin.dayStart(day(2026, month, date) + 1) - berlin.dayStart(day(2026, month, date))) / 3_600_000
    expect([hours(3, 28), hours(3, 29), hours(10, 25)]).toEqual([24, 23, 25])
    expect(berlin.text(Date.UTC(2026, 2, 29, 0, 59, 59))).toBe('2026-03-29 01:59:59')
    expect(berlin.text(Date.UTC(2026, 2, 29, 1))).toBe('2026-03-29 03:00:00')
  })

  it('begins a day without a midnight at its first minute', () => {
    // Beirut, 29 March 2026: from 0:00 to 1:00.
    const beirut = new LocalTime('Asia/Beirut')
    const start = beirut.dayStart(day(2026, 3, 29))
    expect([beirut.text(start - 1000), beirut.text(start)]).toEqual(['2026-03-28 23:59:59', '2026-03-29 01:00:00'])
  })

  it('goes by offsets of any size', () => {
    expect(new LocalTime('Pacific/Kiritimati').dayStart(day(2026, 1, 2))).toBe(Date.UTC(2026, 0, 1, 10))
    expect(new LocalTime('Asia/Kathmandu').text(Date.UTC(2026, 0, 1))).toBe('2026-01-01 05:45:00')
    expect(() => new LocalTime('Mars/Olympus')).toThrow(RangeError)
  })

  it('knows the calendar', () => {
    expect(calendarDay(1970, 1, 2)).toBe(1)
    for (const [year, month, date] of [
      [2018, 2, 29],
      [2018, 2, 31],
      [2018, 13, 1],
      [2018, 0, 1],
      [2018, 4, 31],
      [20, 1, 1],
    ] as const) {
      expect(calendarDay(year, month, date)).toBeNull()
    }
  })
})
