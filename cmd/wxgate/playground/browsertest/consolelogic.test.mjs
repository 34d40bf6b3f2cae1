// Tests of the console's functions that need no browser.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { path } from '../../../../admin/console/static/api.mjs'
import { linePath, roundUp, slotsFor } from '../../../../admin/console/static/chart.mjs'
import { middle, number, ranked, seconds, span, time } from '../../../../admin/console/static/format.mjs'
import { languages } from '../../../../admin/console/static/i18n.mjs'
import { eventParser } from '../../../../admin/console/static/sse.mjs'

test('figures are short', () => {
  assert.deepEqual([0, 0.1234, 12.345, 1234.5, NaN].map(number), ['0', '0.123', '12.3', '1,235', '–'])
  assert.deepEqual([0, 0.00123, 0.25, 1.5, 30.5].map(seconds), ['–', '1.23 ms', '250 ms', '1.5 s', '30.5 s'])
  assert.deepEqual([0, 59, 60, 3599, 3600, 90061, -5].map(span), ['0 s', '59 s', '1 min', '59 min 59 s', '1 h', '1 d 1 h', '0 s'])
  assert.equal(middle('abcdefghij', 5), 'ab…ij')
  assert.deepEqual(ranked({ a: 1, c: 2, b: 2 }), [['b', 2], ['c', 2], ['a', 1]])
})

test('a missing time is not shown', () => {
  for (const none of [undefined, '', 'x', '0001-01-01T00:00:00Z']) assert.equal(time(none), '')
  assert.match(time('2026-11-27T20:00:00Z'), /^2026-11-2[78] \d\d:00:00$/)
})

test('events are parsed from chunks of any size', () => {
  const stream = 'event: status\ndata: {"a":1}\n\n: a comment\n\ndata: one\ndata: two\n\ndata: unfinished'
  for (const size of [1, 7, 1000]) {
    const got = []
    const take = eventParser((kind, data) => got.push([kind, data]))
    for (let i = 0; i < stream.length; i += size) take(stream.slice(i, i + size))
    assert.deepEqual(got, [['status', '{"a":1}'], ['message', 'one\ntwo']])
  }
})

test('a path escapes any value as one segment', () => {
  assert.equal(path`/api/users/${'wx1'}/${'a/../b?c#d'}/ban`, '/api/users/wx1/a%2F..%2Fb%3Fc%23d/ban')
})

test('lines end at the right edge, and 0 is at the bottom', () => {
  assert.equal(linePath([0, 10, 5], 10, 3), 'M0.0 100.0L300.0 0.0L600.0 50.0')
  assert.equal(linePath([1], 1, 300), 'M600.0 0.0h0')
  assert.equal(linePath([0, undefined, 5, 5], 10, 4), 'M0.0 100.0h0M400.0 50.0L600.0 50.0')
  assert.equal(linePath([], 1, 300), '')
  assert.deepEqual([0, 0.3, 1, 1.1, 60, 700].map(roundUp), [1, 0.5, 1, 2, 100, 1000])
  assert.deepEqual([0, 30, 31, 300].map(slotsFor), [30, 30, 31, 300])
})

test('both languages have the same texts', () => {
  const shape = texts => Object.entries(texts).map(([name, text]) => [name, typeof text, typeof text === 'object' ? Object.keys(text).sort() : '']).sort()
  assert.deepEqual(shape(languages.zh), shape(languages.en))
})
